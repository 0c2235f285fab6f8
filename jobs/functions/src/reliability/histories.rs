//! Histories of repairable systems as columns: one row an event, or a row without an event for a system that had none.

use std::collections::BTreeMap;

use crate::estimation::recurrence::History;
use crate::sql::{Argument, Columns, Kind};

pub(super) const TIME: Argument = Argument::nullable(
    "time",
    Kind::Number,
    "Age of the system at the event; null in a row that only says how long it was watched.",
);
pub(super) const END: Argument = Argument::nullable(
    "end",
    Kind::Number,
    "Age up to which the system was watched, the same in all its rows (time truncation); null where the watch ended with its last \
event (failure truncation).",
);
pub(super) const SYSTEM: Argument = Argument::optional(
    "system",
    Kind::Name,
    "Which system it is, a text or whole number; all rows are of one where it is left out.",
);

/// The systems in columns (time, end, system), in the order of their names.
pub(super) fn histories(columns: &Columns) -> Vec<History> {
    let mut systems: BTreeMap<Option<&str>, History> = BTreeMap::new();
    let names = columns.names(2);
    for (row, (time, end)) in columns.numbers(0).into_iter().zip(columns.numbers(1)).enumerate() {
        let history = systems.entry(names.get(row).and_then(|name| name.as_deref())).or_default();
        history.events.extend(time);
        // Where rows of one system disagree, the watch is taken to have gone on to the latest end.
        history.end = match (history.end, end) {
            (Some(one), Some(other)) => Some(if other.is_nan() { other } else { one.max(other) }),
            (one, other) => one.or(other),
        };
    }
    systems.into_values().collect()
}
