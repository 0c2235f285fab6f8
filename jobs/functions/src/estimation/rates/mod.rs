//! Rates: events counted over an exposure, with no ages.
//!
//! It owns Poisson counts: their bounds and alert levels, the sharing of strength between groups, and the question
//! whether groups differ at all. It never looks at when events happened: trends belong to `recurrence`.

pub mod homogeneity;
pub mod poisson;
pub mod shrinkage;

pub use homogeneity::{Homogeneity, homogeneity};
pub use poisson::{RateBounds, alert_count, mtbur_lower_bound, rate_bounds};
pub use shrinkage::{GammaPrior, Shrinkage, ShrunkRate, shrinkage};

/// Events of one group over its exposure, mostly flight hours.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tally {
    pub count: u64,
    pub exposure: f64,
}

/// Why counts give no figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateFlaw {
    /// No group has any exposure.
    Empty,
    /// An exposure is negative, infinite, not a number, or zero where events were counted.
    InvalidExposure,
    /// A confidence or probability is not strictly within 0 and 1.
    InvalidConfidence,
    /// A mean is negative, not a number, or beyond 2⁵³.
    InvalidMean,
    /// Only one group has an exposure, so that nothing can be compared.
    OneGroup,
    /// No event was counted in any group.
    NoEvents,
    /// A figure is out of a float's range.
    OutOfRange,
}

impl RateFlaw {
    /// The word that SQL results use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Empty => "no_data",
            Self::InvalidExposure => "invalid_exposure",
            Self::InvalidConfidence => "invalid_confidence",
            Self::InvalidMean => "invalid_mean",
            Self::OneGroup => "one_group",
            Self::NoEvents => "no_events",
            Self::OutOfRange => "out_of_range",
        }
    }
}

/// All groups together, where they can be compared.
///
/// # Errors
/// For bad exposures, for fewer than two groups with an exposure, and without events.
fn pooled(groups: &[Tally]) -> Result<Tally, RateFlaw> {
    let invalid = |group: &Tally| {
        !group.exposure.is_finite() || group.exposure < 0.0 || (group.exposure == 0.0 && group.count > 0)
    };
    if groups.iter().any(invalid) {
        return Err(RateFlaw::InvalidExposure);
    }
    match groups.iter().filter(|group| group.exposure > 0.0).count() {
        0 => return Err(RateFlaw::Empty),
        1 => return Err(RateFlaw::OneGroup),
        _ => {}
    }
    let count = groups.iter().map(|group| group.count).fold(0, u64::saturating_add);
    let exposure: f64 = groups.iter().map(|group| group.exposure).sum();
    match (count, exposure.is_finite()) {
        (_, false) => Err(RateFlaw::InvalidExposure),
        (0, true) => Err(RateFlaw::NoEvents),
        _ => Ok(Tally { count, exposure }),
    }
}

fn is_probability(value: f64) -> bool {
    value > 0.0 && value < 1.0
}

#[cfg(test)]
mod testing {
    use super::Tally;

    pub(super) fn tallies(groups: &[(u64, f64)]) -> Vec<Tally> {
        groups.iter().map(|(count, exposure)| Tally { count: *count, exposure: *exposure }).collect()
    }

    /// Failures of ten pumps of a nuclear plant, exposure in thousands of hours (Gaver & O'Muircheartaigh 1987, table
    /// 3).
    pub(super) fn pumps() -> Vec<Tally> {
        tallies(&[
            (5, 94.32),
            (1, 15.72),
            (5, 62.88),
            (14, 125.76),
            (3, 5.24),
            (19, 31.44),
            (1, 1.048),
            (1, 1.048),
            (4, 2.096),
            (22, 10.48),
        ])
    }
}
