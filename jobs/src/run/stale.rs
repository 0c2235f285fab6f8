//! Deciding what to compute: a pure comparison of what is committed with what it would be computed from now.
//!
//! A partition's fingerprint covers the query, the header, those of the views read, the revision of the functions called,
//! and the names of all input files that can reach it.
//! File names are never reused, so equal fingerprints mean equal input.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::NaiveDate;
use sha2::{Digest, Sha256};

use super::session::Inputs;
use crate::catalog::{Catalog, Interval, Label, Lookback, Materialized, Model, Unit};
use crate::warehouse::Snapshot;

/// What a step has to do.
pub(super) struct Work {
    /// The ranges to compute, in order; one `None` for a table replaced whole.
    pub ranges: Vec<Option<Interval>>,
    /// The fingerprint of every partition to be written, by its value; of a table replaced whole, under "".
    pub fingerprints: BTreeMap<String, String>,
}

impl Work {
    /// Whether nothing has to be done.
    pub fn is_none(&self) -> bool {
        self.ranges.is_empty()
    }
}

/// Which units of its models a run is to look at.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Asked {
    pub interval: Option<Interval>,
    /// The last day of any source of the run's models, so that all of them end in the same unit.
    pub latest_day: Option<NaiveDate>,
}

/// Compares a table with its inputs.
pub(super) fn work(
    catalog: &Catalog,
    model: &Model,
    inputs: &Inputs,
    current: Option<&Snapshot>,
    asked: &Asked,
) -> Work {
    let Some((unit, partition)) = model.header.unit.zip(model.header.partition.as_ref()) else {
        return whole(&definition(catalog, model), inputs, current);
    };
    let spans: Vec<InputFile<'_>> =
        inputs.values().flatten().flat_map(|snapshot| input_files(catalog, snapshot)).collect();
    let Some(units) = units(model.header.label, unit, asked, &spans) else {
        return Work { ranges: Vec::new(), fingerprints: BTreeMap::new() };
    };
    let mut committed: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for file in current.iter().flat_map(|snapshot| &snapshot.files) {
        let value = file.partition.get(partition).and_then(Option::as_deref).unwrap_or_default();
        committed.entry(value).or_default().insert(file.fingerprint().unwrap_or_default());
    }
    let empty = current.map(|snapshot| &snapshot.recorded["empty"]);
    let definition = definition(catalog, model);
    let mut fingerprints = BTreeMap::new();
    let mut stale = Vec::new();
    for start in units {
        let from = match model.header.lookback {
            Lookback::Units(count) => unit.before(start, count),
            Lookback::All(_) => NaiveDate::MIN,
        };
        let reach = Interval { from, to: unit.after(start, 1) };
        let reaching = spans.iter().filter(|file| file.days.is_none_or(|days| days.overlaps(reach)));
        let fingerprint = fingerprint(&definition, reaching.map(|file| file.path));
        let value = model.header.label.of(unit, start).to_string();
        let found = committed.get(value.as_str());
        let up_to_date = found.is_some_and(|found| found.len() == 1 && found.contains(fingerprint.as_str()))
            || (found.is_none() && empty.is_some_and(|empty| empty[&value] == fingerprint.as_str()));
        if !up_to_date {
            stale.push(start);
            fingerprints.insert(value, fingerprint);
        }
    }
    let ranges = match model.header.label {
        Label::Start => joined(&stale, unit),
        Label::End => stale.iter().map(|start| Label::Start.unit_of(unit, *start)).collect(),
    };
    Work { ranges: ranges.into_iter().map(Some).collect(), fingerprints }
}

/// The units to look at: those asked for; else all there is input for, or the run's latest where each is computed as
/// of its end.
fn units(label: Label, unit: Unit, asked: &Asked, inputs: &[InputFile<'_>]) -> Option<Vec<NaiveDate>> {
    match (asked.interval, label) {
        (Some(interval), _) => Some(interval.units(unit)),
        (None, Label::Start) => Some(hull(inputs)?.units(unit)),
        (None, Label::End) => Some(vec![unit.start(asked.latest_day.or_else(|| hull(inputs)?.to.pred_opt())?)]),
    }
}

/// The last day that any of a run's sources has rows of.
pub(super) fn latest_day<'a>(
    catalog: &Catalog,
    snapshots: impl IntoIterator<Item = &'a Arc<Snapshot>>,
) -> Option<NaiveDate> {
    let files = snapshots.into_iter().flat_map(|snapshot| input_files(catalog, snapshot));
    files.filter_map(|file| file.days?.to.pred_opt()).max()
}

fn whole(definition: &[u8], inputs: &Inputs, current: Option<&Snapshot>) -> Work {
    let files = inputs.values().flatten().flat_map(|snapshot| snapshot.files.iter().map(|file| file.path.as_str()));
    let fingerprint = fingerprint(definition, files);
    let up_to_date = current.is_some_and(|snapshot| snapshot.recorded["fingerprint"] == fingerprint.as_str());
    let ranges = if up_to_date { Vec::new() } else { vec![None] };
    Work { ranges, fingerprints: BTreeMap::from([(String::new(), fingerprint)]) }
}

/// A file of an input, and the days its rows belong to where they are known.
struct InputFile<'a> {
    path: &'a str,
    days: Option<Interval>,
}

fn input_files<'a>(catalog: &Catalog, snapshot: &'a Arc<Snapshot>) -> Vec<InputFile<'a>> {
    snapshot.files.iter().map(|file| InputFile { path: &file.path, days: catalog.days_of(snapshot, file) }).collect()
}

/// From the first day that any input has rows of to the last.
fn hull(files: &[InputFile<'_>]) -> Option<Interval> {
    let days = || files.iter().filter_map(|file| file.days);
    Some(Interval { from: days().map(|days| days.from).min()?, to: days().map(|days| days.to).max()? })
}

/// Neighbouring units as one range each.
fn joined(units: &[NaiveDate], unit: Unit) -> Vec<Interval> {
    let mut ranges: Vec<Interval> = Vec::new();
    for start in units {
        let end = unit.after(*start, 1);
        match ranges.last_mut() {
            Some(range) if range.to == *start => range.to = end,
            _ => ranges.push(Interval { from: *start, to: end }),
        }
    }
    ranges
}

/// What rows follow from besides the input files: a model's text, those of the views it reads, and the functions of ours
/// that these call.
fn definition(catalog: &Catalog, model: &Model) -> Vec<u8> {
    let mut definition = model.sql.clone().into_bytes();
    definition.extend(serde_json::to_vec(&model.header).unwrap_or_default());
    if fleet_functions::called_in(&model.sql) {
        definition.extend(fleet_functions::REVISION.to_le_bytes());
    }
    let read = model.inputs.iter().filter_map(|table| catalog.models.get(table));
    for view in read.filter(|model| model.header.materialized == Materialized::View) {
        definition.extend(self::definition(catalog, view));
    }
    definition
}

fn fingerprint<'a>(definition: &[u8], files: impl Iterator<Item = &'a str>) -> String {
    let mut digest = Sha256::new();
    digest.update(definition);
    let names: BTreeSet<&str> = files.collect();
    for name in names {
        digest.update([0]);
        digest.update(name);
    }
    digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_changed_view_or_function_makes_what_uses_it_stale() {
        let catalog = Catalog::load(None).await.unwrap();
        let definition_of = |name: &str| definition(&catalog, catalog.model(&name.parse().unwrap()).unwrap());
        let holds = |text: &[u8], part: &[u8]| text.windows(part.len()).any(|window| window == part);
        let view = &catalog.model(&"staging.stg_events".parse().unwrap()).unwrap().sql;
        assert!(holds(&definition_of("reliability.rogue_unit"), view.as_bytes()));
        // What reads a stored table is reached by that table's files instead.
        assert!(!holds(&definition_of("reliability.int_installation"), view.as_bytes()));
        let model = catalog.model(&"reliability.life_model".parse().unwrap()).unwrap();
        assert!(fleet_functions::called_in(&model.sql));
        let plain = catalog.model(&"operations.utilization".parse().unwrap()).unwrap();
        assert!(!fleet_functions::called_in(&plain.sql));
    }

    #[test]
    fn the_latest_week_is_that_of_the_runs_last_day() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let asked = Asked { interval: None, latest_day: Some(day("2026-03-02")) };
        assert_eq!(units(Label::End, Unit::Week, &asked, &[]), Some(vec![day("2026-03-02")]));
        assert_eq!(Label::End.of(Unit::Week, day("2026-03-02")), day("2026-03-09"));
        assert_eq!(Label::End.unit_of(Unit::Week, day("2026-03-09")).from, day("2026-03-02"));
        assert_eq!(units(Label::End, Unit::Week, &Asked::default(), &[]), None);
    }

    #[test]
    fn neighbouring_units_are_computed_together() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let months = [day("2026-01-01"), day("2026-02-01"), day("2026-05-01")];
        let ranges: Vec<String> = joined(&months, Unit::Month).iter().map(ToString::to_string).collect();
        assert_eq!(ranges, ["2026-01-01..2026-03-01", "2026-05-01..2026-06-01"]);
    }
}
