//! Recurrent events: systems that are repaired and go on, each watched from age 0 to an end.
//!
//! It owns event histories and what can be said of their rate over age: a mean without a law, a power law, and tests
//! for trend. It never treats the gaps between events as lives of their own.

pub mod crow_amsaa;
pub mod mean_cumulative;

#[cfg(test)]
mod tests;

pub use crow_amsaa::{CrowAmsaa, LaplaceTest, MilHdbk189Test, Trend, crow_amsaa};
pub use mean_cumulative::{MeanCumulativeStep, mean_cumulative_function};

/// One system's events, in any order, with the age at which it was last watched.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// Ages of its events.
    pub events: Vec<f64>,
    /// Age up to which it was watched (time truncation); `None` where the watch ended with its last event (failure
    /// truncation).
    pub end: Option<f64>,
}

impl History {
    /// Age up to which it was watched; `None` for one without an end and without events, which says nothing.
    pub fn observation_end(&self) -> Option<f64> {
        self.end.or_else(|| self.events.iter().copied().reduce(f64::max))
    }

    fn flaw(&self) -> Option<RecurrenceFlaw> {
        let invalid = |age: f64| !age.is_finite() || age < 0.0;
        if self.events.iter().copied().chain(self.end).any(invalid) {
            return Some(RecurrenceFlaw::InvalidAge);
        }
        let after_end = self.end.is_some_and(|end| self.events.iter().any(|age| *age > end));
        after_end.then_some(RecurrenceFlaw::EventAfterEnd)
    }
}

/// Why histories give no figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecurrenceFlaw {
    /// No system was watched.
    Empty,
    /// An age is negative, infinite or not a number.
    InvalidAge,
    /// A system has an event after its end.
    EventAfterEnd,
    /// The confidence is not strictly within 0 and 1.
    InvalidConfidence,
    /// No event was seen, so that a power law has no shape.
    NoEvents,
    /// An event at age zero, which no power law has.
    EventAtZero,
    /// All events lie at the very end of the watch, so that the shape has no upper limit.
    NoSpread,
    /// A mean time between events is out of a float's range.
    OutOfRange,
}

impl RecurrenceFlaw {
    /// The word that SQL results use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Empty => "no_data",
            Self::InvalidAge => "invalid_age",
            Self::EventAfterEnd => "event_after_end",
            Self::InvalidConfidence => "invalid_confidence",
            Self::NoEvents => "no_events",
            Self::EventAtZero => "event_at_zero",
            Self::NoSpread => "events_only_at_end",
            Self::OutOfRange => "out_of_range",
        }
    }
}

/// What makes the histories unfit for any estimate, if anything.
fn flaw(systems: &[History]) -> Option<RecurrenceFlaw> {
    if systems.iter().all(|system| system.observation_end().is_none()) {
        return Some(RecurrenceFlaw::Empty);
    }
    systems.iter().find_map(History::flaw)
}
