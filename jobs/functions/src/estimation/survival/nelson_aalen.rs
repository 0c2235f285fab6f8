//! The cumulative hazard without a law.
//!
//! It never smooths: each step is a sum over the failure ages up to there.

use super::{Interval, RiskSet, normal_multiplier};
use crate::estimation::sample::{Flaw, Lives};

/// The cumulative hazard just after one distinct failure age; constant from there to the next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HazardStep {
    /// The failure age, in the unit of the sample.
    pub time: f64,
    /// Units under watch just before it.
    pub at_risk: usize,
    /// Failures at this age.
    pub failures: usize,
    /// Failures expected of one unit that is replaced whenever it fails.
    pub cumulative_hazard: f64,
    /// Aalen's variance of it.
    pub variance: f64,
    /// Symmetric in its logarithm.
    pub bounds: Option<Interval>,
}

/// The cumulative hazard at each distinct failure age, by age; empty where no failure was seen.
///
/// `H(t) = Σ d/n` (Nelson 1972; Aalen 1978), variance `Σ d/n²` (Aalen 1978, the Poisson form), bounds
/// `H·exp(±z·√variance/H)` (Klein & Moeschberger 2003, chapter 4) at the two-sided `confidence`. Tied failures count
/// as one jump `d/n`, not as `1/n + 1/(n−1) + …`, which would suit lives rounded to coarse ages; for them the variance
/// is on the high side, as `Σ d(n−d)/(n²(n−1))` would be the binomial one. Risk sets are those of
/// [`super::kaplan_meier()`].
///
/// # Errors
/// As [`super::kaplan_meier()`].
pub fn nelson_aalen(lives: &Lives, confidence: f64) -> Result<Vec<HazardStep>, Flaw> {
    let multiplier = normal_multiplier(confidence).ok_or(Flaw::Invalid)?;
    let (mut hazard, mut variance) = (0.0, 0.0);
    let steps = RiskSet::new(lives)?.steps();
    let curve = steps.into_iter().map(|step| {
        let (at_risk, failures) = (step.at_risk as f64, step.failures as f64);
        hazard += failures / at_risk;
        variance += failures / (at_risk * at_risk);
        HazardStep {
            time: step.time,
            at_risk: step.at_risk,
            failures: step.failures,
            cumulative_hazard: hazard,
            variance,
            bounds: Interval::log_transformed(hazard, f64::sqrt(variance), multiplier),
        }
    });
    Ok(curve.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimation::survival::testing::{assert_close, late_entries, lives, maintained, six_mp};

    #[test]
    fn six_mp_gives_the_published_hazard() {
        // Freireich et al. 1963; lifelines 0.30.3.
        let expected = [0.1429, 0.2017, 0.2683, 0.3517, 0.4426, 0.5854, 0.7521];
        let curve = nelson_aalen(&six_mp(), 0.95).unwrap();
        assert_eq!(curve.len(), expected.len());
        for (step, hazard) in curve.iter().zip(expected) {
            assert!((step.cumulative_hazard - hazard).abs() < 5.1e-5);
        }
    }

    #[test]
    fn maintained_leukaemia_agrees_with_lifelines() {
        // lifelines 0.30.3, NelsonAalenFitter: age, hazard, variance, 95 % bounds.
        let expected = [
            (9.0, 0.0909090909091, 0.00826446280992, 0.0128057721903, 0.645370125839),
            (13.0, 0.190909090909, 0.0182644628099, 0.0476709928611, 0.76453790459),
            (18.0, 0.315909090909, 0.0338894628099, 0.100818029048, 0.989887966086),
            (23.0, 0.458766233766, 0.0542976260752, 0.16952959019, 1.24147328504),
            (31.0, 0.658766233766, 0.0942976260752, 0.264210332143, 1.64252831156),
            (34.0, 0.908766233766, 0.156797626075, 0.386863761605, 2.13474651699),
            (48.0, 1.40876623377, 0.406797626075, 0.58004902403, 3.42147339135),
        ];
        agree(&nelson_aalen(&maintained(), 0.95).unwrap(), &expected);
    }

    #[test]
    fn late_entries_agree_with_lifelines() {
        // lifelines 0.30.3, NelsonAalenFitter with entry: age, hazard, variance, 95 % bounds.
        let expected = [
            (3.0, 0.2, 0.04, 0.0281726988186, 1.41981427685),
            (4.0, 0.4, 0.08, 0.100039061304, 1.59937526317),
            (7.0, 0.566666666667, 0.107777777778, 0.182049155659, 1.76387036759),
            (8.0, 0.733333333333, 0.135555555556, 0.274123073366, 1.96181142716),
            (9.0, 0.933333333333, 0.175555555556, 0.387180974974, 2.24988097922),
            (11.0, 1.26666666667, 0.286666666667, 0.553177380368, 2.90041585463),
            (12.0, 1.76666666667, 0.536666666667, 0.783774032089, 3.98215682496),
        ];
        agree(&nelson_aalen(&late_entries(), 0.95).unwrap(), &expected);
    }

    #[track_caller]
    fn agree(curve: &[HazardStep], expected: &[(f64, f64, f64, f64, f64)]) {
        assert_eq!(curve.len(), expected.len());
        for (step, (time, hazard, variance, lower, upper)) in curve.iter().zip(expected) {
            assert_eq!(step.time, *time);
            assert_close(step.cumulative_hazard, *hazard, 1e-10);
            assert_close(step.variance, *variance, 1e-9);
            assert_close(step.bounds.unwrap().lower, *lower, 1e-9);
            assert_close(step.bounds.unwrap().upper, *upper, 1e-9);
        }
    }

    #[test]
    fn ties_are_one_jump_with_the_poisson_variance() {
        let curve = nelson_aalen(&lives(&[2.0, 2.0], &[5.0, 5.0]), 0.9).unwrap();
        assert_eq!((curve[0].cumulative_hazard, curve[0].variance), (0.5, 2.0 / 16.0));
    }

    #[test]
    fn degenerate_samples_give_no_steps_or_a_flaw() {
        assert_eq!(nelson_aalen(&lives(&[], &[1.0]), 0.9), Ok(Vec::new()));
        assert_eq!(nelson_aalen(&Lives::default(), 0.9), Err(Flaw::Empty));
        assert_eq!(nelson_aalen(&lives(&[f64::NAN], &[]), 0.9), Err(Flaw::Invalid));
        assert_eq!(nelson_aalen(&lives(&[1.0], &[]), 1.0), Err(Flaw::Invalid));
        assert_eq!(nelson_aalen(&lives(&[0.0], &[]), 0.9).unwrap()[0].cumulative_hazard, 1.0);
    }
}
