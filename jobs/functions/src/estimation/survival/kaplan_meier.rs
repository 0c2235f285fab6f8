//! The product-limit estimate of survival, with Greenwood's error and three kinds of pointwise bounds.
//!
//! It never extrapolates: beyond the last failure the curve stays level up to [`last_observed_age`], and nothing is
//! known after that age unless the curve has reached zero.

use super::{Interval, RiskSet, normal_multiplier};
use crate::estimation::sample::{Flaw, Lives};

/// Survival just after one distinct failure age; constant from there to the next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SurvivalStep {
    /// The failure age, in the unit of the sample.
    pub time: f64,
    /// Units under watch just before it, those suspended at this very age included.
    pub at_risk: usize,
    /// Failures at this age.
    pub failures: usize,
    /// Suspensions since the previous step (or since age 0), those at the previous step's age included.
    pub suspensions: usize,
    /// The share of units that outlive this age.
    pub survival: f64,
    /// Greenwood's standard error of `survival`; `None` once survival is zero, where it is undefined.
    pub standard_error: Option<f64>,
    /// `S ± z·SE`, cut to 0..=1.
    pub plain: Option<Interval>,
    /// Symmetric in `ln S`, the upper end cut to 1.
    pub log: Option<Interval>,
    /// Symmetric in `ln(−ln S)`, within 0..=1 by construction.
    pub log_log: Option<Interval>,
    /// Nelson–Aalen's cumulative hazard.
    pub cumulative_hazard: f64,
    /// Its variance, the sum of failures over squared units at risk.
    pub cumulative_hazard_variance: f64,
}

/// Survival at each distinct failure age, by age; empty where no failure was seen, which leaves survival at 1 up to
/// [`last_observed_age`].
///
/// `S(t) = Π (1 − d/n)` over failure ages up to `t` (Kaplan & Meier 1958), where `n` units have `entry < age <= exit`:
/// a unit suspended at a failure age is at risk there. `SE² = S² Σ d/(n(n−d))` (Greenwood 1926). Bounds are as in
/// Kalbfleisch & Prentice 2002, section 1.4, at the two-sided `confidence`; all are `None` where the error is.
/// Failures at age zero are allowed.
///
/// With left truncation a small early risk set may take survival to zero, where the product stays; the cumulative
/// hazard goes on.
///
/// # Errors
/// [`Flaw::Empty`] without lives; [`Flaw::Invalid`] for a bad age, for columns of unequal length and for a confidence
/// that is not strictly within 0 and 1.
pub fn kaplan_meier(lives: &Lives, confidence: f64) -> Result<Vec<SurvivalStep>, Flaw> {
    let multiplier = normal_multiplier(confidence).ok_or(Flaw::Invalid)?;
    let mut survival = 1.0;
    let mut greenwood = 0.0;
    let (mut hazard, mut hazard_variance) = (0.0, 0.0);
    let steps = RiskSet::new(lives)?.steps();
    let curve = steps.into_iter().map(|step| {
        let (at_risk, failures) = (step.at_risk as f64, step.failures as f64);
        survival *= (at_risk - failures) / at_risk;
        // Infinite where all fail; survival is zero from there on, and the error is not given.
        greenwood += failures / (at_risk * (at_risk - failures));
        hazard += failures / at_risk;
        hazard_variance += failures / (at_risk * at_risk);
        let relative_error = (survival > 0.0).then(|| f64::sqrt(greenwood));
        SurvivalStep {
            time: step.time,
            at_risk: step.at_risk,
            failures: step.failures,
            suspensions: step.suspensions,
            survival,
            standard_error: relative_error.map(|error| survival * error),
            plain: relative_error.and_then(|error| plain_bounds(survival, error, multiplier)),
            log: relative_error.and_then(|error| log_bounds(survival, error, multiplier)),
            log_log: relative_error.and_then(|error| log_log_bounds(survival, error, multiplier)),
            cumulative_hazard: hazard,
            cumulative_hazard_variance: hazard_variance,
        }
    });
    Ok(curve.collect())
}

/// The highest age at which any unit was still watched: how far a survival curve reaches. `None` for a flawed sample.
pub fn last_observed_age(lives: &Lives) -> Option<f64> {
    match lives.flaw() {
        Some(_) => None,
        None => lives.exits.iter().copied().reduce(f64::max),
    }
}

fn plain_bounds(survival: f64, relative_error: f64, multiplier: f64) -> Option<Interval> {
    let half_width = multiplier * survival * relative_error;
    Interval::new((survival - half_width).max(0.0), (survival + half_width).min(1.0))
}

fn log_bounds(survival: f64, relative_error: f64, multiplier: f64) -> Option<Interval> {
    let bounds = Interval::log_transformed(survival, survival * relative_error, multiplier)?;
    Interval::new(bounds.lower, bounds.upper.min(1.0))
}

fn log_log_bounds(survival: f64, relative_error: f64, multiplier: f64) -> Option<Interval> {
    let exponent = (multiplier * relative_error / survival.ln().abs()).exp();
    Interval::new(survival.powf(exponent), survival.powf(exponent.recip()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::estimation::survival::testing::{
        assert_close, from_rows, late_entries, lives, maintained, rows, six_mp,
    };

    #[test]
    fn six_mp_gives_the_published_table() {
        // Freireich et al. 1963: age, at risk, failures, survival, Greenwood's error, cumulative hazard.
        let expected = [
            (6.0, 21, 3, 0.8571, 0.0764, 0.1429),
            (7.0, 17, 1, 0.8067, 0.0869, 0.2017),
            (10.0, 15, 1, 0.7529, 0.0963, 0.2683),
            (13.0, 12, 1, 0.6902, 0.1068, 0.3517),
            (16.0, 11, 1, 0.6275, 0.1141, 0.4426),
            (22.0, 7, 1, 0.5378, 0.1282, 0.5854),
            (23.0, 6, 1, 0.4482, 0.1346, 0.7521),
        ];
        let curve = kaplan_meier(&six_mp(), 0.95).unwrap();
        assert_eq!(curve.len(), expected.len());
        for (step, (time, at_risk, failures, survival, error, hazard)) in curve.iter().zip(expected) {
            assert_eq!((step.time, step.at_risk, step.failures), (time, at_risk, failures));
            assert!((step.survival - survival).abs() < 5.1e-5);
            assert!((step.standard_error.unwrap() - error).abs() < 5.1e-5);
            assert!((step.cumulative_hazard - hazard).abs() < 5.1e-5);
        }
        assert_eq!(curve.iter().map(|step| step.suspensions).collect::<Vec<_>>(), [0, 1, 1, 2, 0, 3, 0]);
    }

    #[test]
    fn six_mp_gives_the_known_bounds_of_each_kind() {
        // 95 % at week 10: lifelines 0.30.3 for log-log, closed forms for the others.
        let step = kaplan_meier(&six_mp(), 0.95).unwrap()[2];
        for (bounds, lower, upper) in
            [(step.plain, 0.564099, 0.941783), (step.log, 0.585919, 0.967575), (step.log_log, 0.5032, 0.889362)]
        {
            assert_close(bounds.unwrap().lower, lower, 2e-6);
            assert_close(bounds.unwrap().upper, upper, 2e-6);
        }
    }

    #[test]
    fn maintained_leukaemia_gives_the_table_of_r() {
        // R's survival, summary(survfit(Surv(time, status) ~ x, aml)): survival, error, 95 % log bounds.
        let expected = [
            (9.0, 11, 0.909, 0.0867, 0.7541, 1.0),
            (13.0, 10, 0.818, 0.1163, 0.6192, 1.0),
            (18.0, 8, 0.716, 0.1397, 0.4884, 1.0),
            (23.0, 7, 0.614, 0.1526, 0.3769, 0.999),
            (31.0, 5, 0.491, 0.1642, 0.2549, 0.946),
            (34.0, 4, 0.368, 0.1627, 0.1549, 0.875),
            (48.0, 2, 0.184, 0.1535, 0.0359, 0.944),
        ];
        let curve = kaplan_meier(&maintained(), 0.95).unwrap();
        assert_eq!(curve.len(), expected.len());
        for (step, (time, at_risk, survival, error, lower, upper)) in curve.iter().zip(expected) {
            assert_eq!((step.time, step.at_risk), (time, at_risk));
            assert!((step.survival - survival).abs() < 5.1e-4);
            assert!((step.standard_error.unwrap() - error).abs() < 5.1e-5);
            assert!((step.log.unwrap().lower - lower).abs() < 5.1e-5);
            assert!((step.log.unwrap().upper - upper).abs() < 5.1e-4);
        }
        assert_eq!(last_observed_age(&maintained()), Some(161.0));
    }

    #[test]
    fn late_entries_are_at_risk_only_after_their_entry() {
        // lifelines 0.30.3, KaplanMeierFitter with entry: at risk, survival, 95 % log-log bounds.
        let expected = [
            (3.0, 5, 0.8, 0.203809, 0.969180),
            (4.0, 5, 0.64, 0.167028, 0.894675),
            (7.0, 6, 0.533333, 0.140494, 0.817634),
            (8.0, 6, 0.444444, 0.113582, 0.739104),
            (9.0, 5, 0.355556, 0.082194, 0.651843),
            (11.0, 3, 0.237037, 0.035281, 0.538149),
            (12.0, 2, 0.118519, 0.006353, 0.406935),
        ];
        let curve = kaplan_meier(&late_entries(), 0.95).unwrap();
        assert_eq!(curve.len(), expected.len());
        for (step, (time, at_risk, survival, lower, upper)) in curve.iter().zip(expected) {
            assert_eq!((step.time, step.at_risk), (time, at_risk));
            assert!((step.survival - survival).abs() < 5.1e-7);
            assert!((step.log_log.unwrap().lower - lower).abs() < 5.1e-7);
            assert!((step.log_log.unwrap().upper - upper).abs() < 5.1e-7);
        }
    }

    #[test]
    fn a_curve_that_reaches_zero_has_no_error_there() {
        let curve = kaplan_meier(&lives(&[1.0, 2.0], &[]), 0.9).unwrap();
        assert!(curve[0].standard_error.is_some());
        let last = curve[1];
        assert_eq!(
            (last.survival, last.standard_error, last.plain, last.log, last.log_log),
            (0.0, None, None, None, None)
        );
        assert_eq!(last.cumulative_hazard, 1.5);
    }

    #[test]
    fn a_curve_stays_at_zero_when_units_enter_later() {
        let late = Lives { exits: vec![1.0, 3.0, 4.0], observed: vec![true; 3], entries: vec![0.0, 2.0, 2.0] };
        let curve = kaplan_meier(&late, 0.9).unwrap();
        assert!(curve.iter().all(|step| step.survival == 0.0 && step.standard_error.is_none()));
        assert_eq!(curve.last().unwrap().cumulative_hazard, 2.5);
    }

    #[test]
    fn failures_at_age_zero_count() {
        let curve = kaplan_meier(&lives(&[0.0, 5.0], &[0.0, 9.0]), 0.9).unwrap();
        assert_eq!((curve[0].time, curve[0].at_risk, curve[0].survival), (0.0, 4, 0.75));
        assert_eq!((curve[1].at_risk, curve[1].suspensions), (2, 1));
    }

    #[test]
    fn without_failures_there_are_no_steps_but_a_last_age() {
        let suspended = lives(&[], &[3.0, 8.0]);
        assert_eq!(kaplan_meier(&suspended, 0.9), Ok(Vec::new()));
        assert_eq!(last_observed_age(&suspended), Some(8.0));
    }

    #[test]
    fn all_equal_failures_are_one_step_to_zero() {
        let curve = kaplan_meier(&lives(&[7.0; 5], &[]), 0.9).unwrap();
        assert_eq!((curve.len(), curve[0].failures, curve[0].survival), (1, 5, 0.0));
    }

    #[test]
    fn bad_input_is_a_flaw() {
        assert_eq!(kaplan_meier(&Lives::default(), 0.9), Err(Flaw::Empty));
        assert_eq!(last_observed_age(&Lives::default()), None);
        for bad in [-1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(kaplan_meier(&lives(&[1.0, bad], &[]), 0.9), Err(Flaw::Invalid));
        }
        for confidence in [0.0, 1.0, -0.5, f64::NAN] {
            assert_eq!(kaplan_meier(&lives(&[1.0], &[]), confidence), Err(Flaw::Invalid));
        }
        let ragged = Lives { exits: vec![1.0, 2.0], observed: vec![true], entries: Vec::new() };
        assert_eq!(kaplan_meier(&ragged, 0.9), Err(Flaw::Invalid));
        let ragged = Lives { exits: vec![1.0, 2.0], observed: vec![true; 2], entries: vec![0.5] };
        assert_eq!(kaplan_meier(&ragged, 0.9), Err(Flaw::Invalid));
    }

    proptest! {
        #[test]
        fn order_of_rows_does_not_matter((rows, shuffled) in rows().prop_flat_map(|rows| {
            (Just(rows.clone()), Just(rows).prop_shuffle())
        })) {
            prop_assert_eq!(kaplan_meier(&from_rows(&rows), 0.9), kaplan_meier(&from_rows(&shuffled), 0.9));
        }

        #[test]
        fn without_censoring_survival_is_the_share_that_lives_longer(rows in rows()) {
            let ages: Vec<f64> = rows.iter().map(|row| row.0).collect();
            for step in kaplan_meier(&lives(&ages, &[]), 0.9).unwrap() {
                let longer = ages.iter().filter(|age| **age > step.time).count() as f64;
                prop_assert!((step.survival - longer / ages.len() as f64).abs() < 1e-12);
            }
        }

        #[test]
        fn bounds_hold_the_estimate_within_zero_and_one(rows in rows()) {
            for step in kaplan_meier(&from_rows(&rows), 0.95).unwrap() {
                for bounds in [step.plain, step.log, step.log_log].into_iter().flatten() {
                    prop_assert!(0.0 <= bounds.lower && bounds.upper <= 1.0);
                    prop_assert!(bounds.lower <= step.survival && step.survival <= bounds.upper);
                }
            }
        }
    }
}
