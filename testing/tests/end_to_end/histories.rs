//! Histories of units where the files do not begin with the aircraft.

use crate::kit::{Place, number, text};

const CONFIGURATION: &str = r#"{"tail":"EI-AAA","effective_from":"2026-01-03T16:00:00Z","components":[{"position":"33-LDL-1","ata":"33-42","part_number":"P1","serial":"NEW","installed_at":"2026-01-03T16:00:00Z","hours_since_install":0.0}]}"#;

fn removal(number: u32, at: &str, off: &str, on: &str) -> String {
    format!(
        r#"{{"event_id":"E{number}","tail":"EI-AAA","occurred_at":"{at}","kind":"REMOVAL","ata":"33-42","position":"33-LDL-1","part_number":"P1","serial_off":"{off}","serial_on":"{on}","reason":"UNSCHEDULED","text":"replaced"}}"#
    )
}

/// The configuration before the first removal was lost: the first that is known was made by that very removal.
#[test]
fn a_removal_at_the_time_of_the_first_configuration_begins_one_installation() {
    let place = Place::new();
    place.deliver("configurations/2026-01-04/configurations.json", CONFIGURATION);
    let removals =
        [removal(1, "2026-01-03T16:00:00Z", "OLD", "NEW"), removal(2, "2026-01-03T20:00:00Z", "NEW", "NEWER")];
    place.deliver("events/2026-01-04/events.json", removals.join("\n"));
    place.deliver(
        "utilization/2026-01-04/utilization.csv",
        "tail,date,flight_hours,flight_cycles,apu_hours,apu_cycles,available_hours\nEI-AAA,2026-01-03,9.0,8,2.0,4,16.0\n",
    );
    place.done(&["ingest"]);
    place.done(&["run", "reliability.int_installation"]);
    let rows = place.rows(
        "select serial, ended_by, count(*) over () as units from reliability.int_installation order by observed_from",
    );
    assert_eq!(rows.iter().map(|row| text(row, "serial")).collect::<Vec<_>>(), ["NEW", "NEWER"]);
    assert_eq!((text(&rows[0], "ended_by"), number(&rows[0], "units")), ("FAILURE", 2));
}
