//! Survival without an assumed law: what the lives themselves say, with right censoring and left truncation.
//!
//! It owns risk sets and the estimators built on them. It never fits a law and never reads between two ages: every
//! curve is a step function that changes only where a failure was seen.

pub mod competing;
pub mod kaplan_meier;
pub mod log_rank;
pub mod nelson_aalen;

pub use competing::{CompetingLives, IncidenceStep, ModeIncidence, cumulative_incidence};
pub use kaplan_meier::{SurvivalStep, kaplan_meier, last_observed_age};
pub use log_rank::{GroupCount, LogRank, LogRankFlaw, log_rank};
pub use nelson_aalen::{HazardStep, nelson_aalen};

use crate::estimation::numeric::normal_quantile;
use crate::estimation::sample::{Flaw, Lives};

/// Both ends of a two-sided confidence interval, both finite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    pub lower: f64,
    pub upper: f64,
}

impl Interval {
    /// The interval, where both ends are finite and in order.
    pub fn new(lower: f64, upper: f64) -> Option<Self> {
        (lower.is_finite() && upper.is_finite() && lower <= upper).then_some(Self { lower, upper })
    }

    /// Around a positive estimate, symmetric in its logarithm: `estimate · exp(±multiplier · error / estimate)`.
    pub fn log_transformed(estimate: f64, standard_error: f64, multiplier: f64) -> Option<Self> {
        let factor = (multiplier * standard_error / estimate).exp();
        Self::new(estimate / factor, estimate * factor)
    }
}

/// The normal quantile that a two-sided interval takes; `None` where the confidence is not strictly within 0 and 1.
pub fn normal_multiplier(confidence: f64) -> Option<f64> {
    (confidence > 0.0 && confidence < 1.0).then(|| normal_quantile(0.5 + 0.5 * confidence))
}

/// The units that were watched just before a failure age, and what happened there.
#[derive(Clone, Copy, Debug)]
struct RiskStep {
    time: f64,
    at_risk: usize,
    failures: usize,
    /// Suspensions from the previous failure age on (there included, as they outlived it) and before this one.
    suspensions: usize,
}

/// Sorted ages, from which the units at risk at any age are counted.
struct RiskSet {
    failures: Vec<f64>,
    exits: Vec<f64>,
    /// Only those above zero: who was watched from age 0 is at risk at age 0 already.
    late_entries: Vec<f64>,
}

impl RiskSet {
    fn new(lives: &Lives) -> Result<Self, Flaw> {
        let ragged = lives.observed.len() != lives.len() || ![0, lives.len()].contains(&lives.entries.len());
        match lives.flaw() {
            Some(flaw) => return Err(flaw),
            None if ragged => return Err(Flaw::Invalid),
            None => {}
        }
        Ok(Self {
            failures: sorted(lives.iter().filter(|(_, observed, _)| *observed).map(|(exit, _, _)| exit)),
            exits: sorted(lives.exits.iter().copied()),
            late_entries: sorted(lives.entries.iter().copied().filter(|entry| *entry > 0.0)),
        })
    }

    /// Units with `entry < time <= exit`.
    fn at_risk(&self, time: f64) -> usize {
        let watched_from_zero = self.exits.len() - self.late_entries.len();
        watched_from_zero + count_below(&self.late_entries, time) - count_below(&self.exits, time)
    }

    /// One step for each distinct failure age, in order of age.
    fn steps(&self) -> Vec<RiskStep> {
        let mut suspended_before = 0;
        let ties = self.failures.chunk_by(|one, other| one == other);
        ties.map(|tied| {
            let time = tied[0];
            let suspended = count_below(&self.exits, time) - count_below(&self.failures, time);
            let suspensions = suspended - suspended_before;
            suspended_before = suspended;
            RiskStep { time, at_risk: self.at_risk(time), failures: tied.len(), suspensions }
        })
        .collect()
    }
}

fn sorted(ages: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut ages: Vec<f64> = ages.collect();
    ages.sort_unstable_by(f64::total_cmp);
    ages
}

fn count_below(ages: &[f64], time: f64) -> usize {
    ages.partition_point(|age| *age < time)
}

#[cfg(test)]
pub(crate) mod testing {
    use proptest::prelude::*;

    use super::Lives;

    /// Equal to within `relative` of the expected value, or within `relative` itself where that is zero.
    #[track_caller]
    pub(crate) fn assert_close(actual: f64, expected: f64, relative: f64) {
        let scale = if expected == 0.0 { 1.0 } else { expected.abs() };
        assert!((actual - expected).abs() <= relative * scale, "{actual} is not {expected} to {relative}");
    }

    /// Freireich et al. 1963, remission times in weeks under 6-MP (Kalbfleisch & Prentice 2002, table 1.1; lifelines'
    /// `load_leukemia`).
    pub(crate) fn six_mp() -> Lives {
        let failures = [23.0, 22.0, 16.0, 13.0, 10.0, 7.0, 6.0, 6.0, 6.0];
        let suspensions = [35.0, 34.0, 32.0, 32.0, 25.0, 20.0, 19.0, 17.0, 11.0, 10.0, 9.0, 6.0];
        lives(&failures, &suspensions)
    }

    /// The same study's placebo group.
    pub(crate) fn placebo() -> Lives {
        let failures = [
            23.0, 22.0, 17.0, 15.0, 12.0, 12.0, 11.0, 11.0, 8.0, 8.0, 8.0, 8.0, 5.0, 5.0, 4.0, 4.0, 3.0, 2.0, 2.0, 1.0,
            1.0,
        ];
        lives(&failures, &[])
    }

    /// Acute myelogenous leukaemia, weeks in remission with maintenance (Miller 1981; R's `survival::aml`).
    pub(crate) fn maintained() -> Lives {
        lives(&[9.0, 13.0, 18.0, 23.0, 31.0, 34.0, 48.0], &[13.0, 28.0, 45.0, 161.0])
    }

    /// The same study's group without maintenance.
    pub(crate) fn not_maintained() -> Lives {
        lives(&[5.0, 5.0, 8.0, 8.0, 12.0, 23.0, 27.0, 30.0, 33.0, 43.0, 45.0], &[16.0])
    }

    /// A sample with late entries and ties, made up.
    pub(crate) fn late_entries() -> Lives {
        Lives {
            exits: vec![4.0, 6.0, 8.0, 9.0, 3.0, 10.0, 12.0, 11.0, 7.0, 15.0],
            observed: vec![true, false, true, true, true, false, true, true, true, false],
            entries: vec![0.0, 0.0, 2.0, 3.0, 0.0, 5.0, 6.0, 1.0, 4.0, 7.0],
        }
    }

    pub(crate) fn lives(failures: &[f64], suspensions: &[f64]) -> Lives {
        let observed = [vec![true; failures.len()], vec![false; suspensions.len()]].concat();
        Lives::new([failures, suspensions].concat(), observed)
    }

    /// Whole ages, so that there are ties; each with whether it failed, and an entry below it.
    pub(crate) fn rows() -> impl Strategy<Value = Vec<(f64, bool, f64)>> {
        let row = (1_u32..30, any::<bool>(), 0_u32..30);
        let row = row.prop_map(|(exit, observed, entry)| (f64::from(exit), observed, f64::from(entry % exit)));
        prop::collection::vec(row, 1..40)
    }

    pub(crate) fn from_rows(rows: &[(f64, bool, f64)]) -> Lives {
        Lives {
            exits: rows.iter().map(|row| row.0).collect(),
            observed: rows.iter().map(|row| row.1).collect(),
            entries: rows.iter().map(|row| row.2).collect(),
        }
    }
}
