//! Defects that are reported again and again, and what was changed on the aircraft since.

use chrono::{DateTime, Utc};
use fleet_jobs::Result;
use fleet_jobs::run::Runner;
use serde::Deserialize;

use super::{Gathered, Reader};

const DEFECTS: &str = "\
select
    defect.tail,
    defect.ata,
    tree.title,
    defect.reports,
    defect.first_at,
    defect.last_at,
    defect.texts
from reliability.repetitive_defect as defect
left join staging.stg_system_tree as tree on tree.ata = defect.ata
where defect.as_of = $as_of
order by defect.reports desc, defect.last_at desc, defect.tail";

/// Removals on the same aircraft and chapter between the first report and the date.
const REMOVALS: &str = "\
select
    defect.tail,
    defect.ata,
    events.ata as removed_ata,
    events.occurred_at,
    events.part_number,
    parts.description,
    events.serial_off,
    events.reason,
    events.shop_finding
from reliability.repetitive_defect as defect
inner join staging.stg_events as events
    on events.tail = defect.tail
    and events.chapter = split_part(defect.ata, '-', 1)
    and events.occurred_at >= defect.first_at
left join staging.stg_parts_catalog as parts on parts.part_number = events.part_number
where defect.as_of = $as_of
    and events.is_removal
    and events._day < $as_of
order by events.occurred_at";

#[derive(Clone, Debug, Deserialize)]
pub struct Defect {
    pub tail: String,
    pub ata: String,
    pub title: Option<String>,
    pub reports: i64,
    pub first_at: DateTime<Utc>,
    pub last_at: DateTime<Utc>,
    #[serde(default)]
    pub texts: Vec<Option<String>>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Removal {
    pub tail: String,
    pub ata: String,
    /// The section of the part removed.
    pub removed_ata: Option<String>,
    pub occurred_at: DateTime<Utc>,
    pub part_number: String,
    pub description: Option<String>,
    pub serial_off: Option<String>,
    pub reason: Option<String>,
    pub shop_finding: Option<String>,
}

pub struct Repetitive {
    pub defects: Gathered<Defect>,
    pub removals: Gathered<Removal>,
    /// The rule: this many reports in so many days.
    pub reports: i64,
    pub days: i64,
}

pub async fn gather(reader: &Reader<'_>, runner: &Runner) -> Result<Repetitive> {
    let parameters = &runner.catalog.model(&"reliability.repetitive_defect".parse()?)?.header.parameters;
    let parameter = |name: &str, default: f64| parameters.get(name).copied().unwrap_or(default) as i64;
    Ok(Repetitive {
        defects: reader.rows("repetitive defects", DEFECTS).await?,
        removals: reader.rows("removals after repetitive defects", REMOVALS).await?,
        reports: parameter("reports", 3.0),
        days: parameter("days", 15.0),
    })
}
