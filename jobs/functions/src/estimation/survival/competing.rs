//! Cumulative incidence: the share of units that a failure mode has ended by an age, while other modes compete.
//!
//! It never treats other modes as suspensions: one minus a Kaplan–Meier curve of one mode overstates that mode.

use super::{Interval, RiskSet, normal_multiplier};
use crate::estimation::sample::{Flaw, Lives};

/// Lives with what ended each of them, one a row, in any order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CompetingLives {
    /// Age at which each life was last seen.
    pub exits: Vec<f64>,
    /// The failure mode that ended it; 0 for a suspension.
    pub modes: Vec<u32>,
    /// Age at which each was first seen (left truncation); empty where all were seen from age 0.
    pub entries: Vec<f64>,
}

/// The incidence of one mode.
#[derive(Clone, Debug, PartialEq)]
pub struct ModeIncidence {
    pub mode: u32,
    /// One step for each distinct age at which this mode ended a life, by age.
    pub steps: Vec<IncidenceStep>,
}

/// Incidence just after one failure age of its mode; constant from there to the next. The error given is that at this
/// age: other modes' failures move it a little before the next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IncidenceStep {
    /// The failure age, in the unit of the sample.
    pub time: f64,
    /// Units under watch just before it.
    pub at_risk: usize,
    /// Failures by this mode at this age.
    pub failures: usize,
    /// The share of units that this mode has ended by this age.
    pub incidence: f64,
    /// The Greenwood-type standard error of `incidence`.
    pub standard_error: f64,
    /// Symmetric in `ln(−ln(incidence))`; `None` where the incidence is 1, or 0 as no unit was left.
    pub bounds: Option<Interval>,
}

/// The incidence of each mode that occurs, by mode; empty where no failure was seen.
///
/// `I(t) = Σ S(before)·d/n` over the mode's failure ages, `S` being Kaplan–Meier's over all modes (Aalen & Johansen
/// 1978). Its variance is the Greenwood-type one of the Aalen–Johansen matrix, by recursion over failure ages
/// (Andersen, Borgan, Gill & Keiding 1993, section IV.4.1.3), which is also what the delta method gives (Marubini &
/// Valsecchi 1995, chapter 10; `lifelines`). Aalen's counting-process variance (Gray 1988; `cmprsk`) differs by a
/// share of order `1/n`. Bounds are `I^exp(±z·SE/(I·ln I))` (Pintilie 2006, chapter 4) at the two-sided `confidence`.
/// Incidences of all modes and `S` sum to 1 at every age.
///
/// # Errors
/// As [`super::kaplan_meier()`].
pub fn cumulative_incidence(lives: &CompetingLives, confidence: f64) -> Result<Vec<ModeIncidence>, Flaw> {
    let multiplier = normal_multiplier(confidence).ok_or(Flaw::Invalid)?;
    let observed = lives.modes.iter().map(|mode| *mode != 0).collect();
    let all = Lives { exits: lives.exits.clone(), observed, entries: lives.entries.clone() };
    let steps = RiskSet::new(&all)?.steps();

    let mut failures: Vec<(u32, f64)> = lives.modes.iter().copied().zip(lives.exits.iter().copied()).collect();
    failures.retain(|(mode, _)| *mode != 0);
    failures.sort_unstable_by(|one, other| one.0.cmp(&other.0).then(one.1.total_cmp(&other.1)));
    let modes = failures.chunk_by(|one, other| one.0 == other.0).map(|of_mode| {
        let mut ages = of_mode.iter().map(|(_, age)| *age).peekable();
        let mut state = State { survival: 1.0, ..State::default() };
        let mut incidence = Vec::new();
        for step in &steps {
            let mut of_this_mode = 0;
            while ages.next_if(|age| *age <= step.time).is_some() {
                of_this_mode += 1;
            }
            state.advance(step.at_risk as f64, step.failures as f64, of_this_mode as f64);
            if of_this_mode > 0 {
                incidence.push(state.step(step.time, step.at_risk, of_this_mode, multiplier));
            }
        }
        ModeIncidence { mode: of_mode[0].0, steps: incidence }
    });
    Ok(modes.collect())
}

/// Survival over all modes and the incidence of one, with their covariance.
#[derive(Default)]
struct State {
    survival: f64,
    incidence: f64,
    survival_variance: f64,
    covariance: f64,
    incidence_variance: f64,
}

impl State {
    /// Past one failure age: `failures` of `at_risk` units fail, `of_mode` of them by the mode.
    fn advance(&mut self, at_risk: f64, failures: f64, of_mode: f64) {
        let staying = (at_risk - failures) / at_risk;
        let moving = of_mode / at_risk;
        // The multinomial covariance of the step's shares, scaled to those that are still there.
        let scale = self.survival * self.survival / at_risk;
        self.incidence_variance +=
            2.0 * moving * self.covariance + moving * moving * self.survival_variance + scale * moving * (1.0 - moving);
        self.covariance = staying * (self.covariance + moving * self.survival_variance) - scale * moving * staying;
        self.survival_variance = staying * staying * self.survival_variance + scale * staying * (failures / at_risk);
        self.incidence += self.survival * moving;
        self.survival *= staying;
    }

    fn step(&self, time: f64, at_risk: usize, failures: usize, multiplier: f64) -> IncidenceStep {
        let incidence = self.incidence;
        // Rounding may take an error that is zero a little below it.
        let standard_error = self.incidence_variance.max(0.0).sqrt();
        let within = incidence > 0.0 && incidence < 1.0;
        let bounds = within.then(|| {
            let exponent = (multiplier * standard_error / (incidence * incidence.ln().abs())).exp();
            Interval::new(incidence.powf(exponent), incidence.powf(exponent.recip()))
        });
        IncidenceStep { time, at_risk, failures, incidence, standard_error, bounds: bounds.flatten() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::estimation::survival::kaplan_meier;
    use crate::estimation::survival::testing::{assert_close, from_rows, rows};

    fn competing(exits: &[f64], modes: &[u32]) -> CompetingLives {
        CompetingLives { exits: exits.to_vec(), modes: modes.to_vec(), entries: Vec::new() }
    }

    #[test]
    fn breast_cancer_subset_gives_the_published_incidence() {
        // Satagopan et al. 2004, British Journal of Cancer 91, table 2: nine of 305 patients, the others watched
        // for longer; survival and incidence of death by the cancer in per cent, to one digit.
        let mut exits = vec![7.0, 10.0, 14.0, 16.0, 18.0, 23.0, 24.0, 26.0, 27.0];
        let mut modes = vec![0, 1, 0, 1, 2, 1, 0, 2, 1];
        exits.extend([60.0; 296]);
        modes.extend([0; 296]);
        let lives = competing(&exits, &modes);
        let incidence = cumulative_incidence(&lives, 0.95).unwrap();
        let of_cancer = &incidence[0].steps;
        let expected = [(10.0, 304, 0.3), (16.0, 302, 0.6), (23.0, 300, 0.9), (27.0, 297, 1.2)];
        assert_eq!((incidence[0].mode, of_cancer.len()), (1, expected.len()));
        // The paper adds up terms rounded to 0.3, each less than 0.05 off.
        for (terms, (step, (time, at_risk, per_cent))) in (1..).zip(of_cancer.iter().zip(expected)) {
            assert_eq!((step.time, step.at_risk), (time, at_risk));
            assert!((100.0 * step.incidence - per_cent).abs() < 0.05 * f64::from(terms));
        }
        let all = Lives::new(exits, modes.iter().map(|mode| *mode != 0).collect());
        let survival = [99.7, 99.3, 99.0, 98.7, 98.3, 98.0];
        for (step, per_cent) in kaplan_meier(&all, 0.95).unwrap().iter().zip(survival) {
            assert!((100.0 * step.survival - per_cent).abs() < 0.051);
        }
    }

    #[test]
    fn lives_without_ties_agree_with_lifelines() {
        // lifelines 0.30.3, AalenJohansenFitter: incidence, variance, 95 % bounds.
        let exits: Vec<f64> = (1..=12).map(f64::from).collect();
        let lives = competing(&exits, &[1, 2, 0, 1, 2, 1, 0, 2, 1, 0, 1, 2]);
        let incidence = cumulative_incidence(&lives, 0.95).unwrap();
        let first = [
            (0.083333333333, 0.006365740741, 0.005052835479, 0.31107040999),
            (0.175925925926, 0.012843411827, 0.027500435309, 0.431591671919),
            (0.268518518519, 0.017701665143, 0.063802953781, 0.533548713555),
            (0.37962962963, 0.023040028197, 0.113576590873, 0.649691009615),
            (0.546296296296, 0.029761564548, 0.185831228342, 0.804766989812),
        ];
        let second = [
            (0.083333333333, 0.006365740741, 0.005052835479, 0.31107040999),
            (0.175925925926, 0.012843411827, 0.027500435309, 0.431591671919),
            (0.287037037037, 0.020125076208, 0.066392142419, 0.563044818198),
        ];
        assert_eq!((incidence[0].mode, incidence[1].mode), (1, 2));
        assert_eq!((incidence[0].steps.len(), incidence[1].steps.len()), (5, 4));
        for (steps, expected) in [(&incidence[0].steps, &first[..]), (&incidence[1].steps, &second[..])] {
            for (step, (incidence, variance, lower, upper)) in steps.iter().zip(expected) {
                assert_close(step.incidence, *incidence, 1e-10);
                assert_close(step.standard_error.powi(2), *variance, 1e-9);
                assert_close(step.bounds.unwrap().lower, *lower, 1e-9);
                assert_close(step.bounds.unwrap().upper, *upper, 1e-9);
            }
        }
        // The last unit fails, so that survival is 0 and the incidences share 1; lifelines gives no variance there.
        assert_close(incidence[1].steps[3].incidence, 0.453703703704, 1e-10);
    }

    #[test]
    fn one_mode_alone_is_one_less_survival_with_greenwoods_error() {
        let lives = competing(&[2.0, 3.0, 3.0, 5.0, 8.0], &[7, 7, 0, 7, 0]);
        let of_mode = &cumulative_incidence(&lives, 0.9).unwrap()[0];
        let all = Lives::new(lives.exits, vec![true, true, false, true, false]);
        for (step, survival) in of_mode.steps.iter().zip(kaplan_meier(&all, 0.9).unwrap()) {
            assert_close(step.incidence, 1.0 - survival.survival, 1e-14);
            assert_close(step.standard_error, survival.standard_error.unwrap(), 1e-14);
        }
    }

    #[test]
    fn an_incidence_of_one_is_certain_and_has_no_bounds() {
        let steps = &cumulative_incidence(&competing(&[4.0], &[3]), 0.9).unwrap()[0].steps;
        assert_eq!((steps[0].incidence, steps[0].standard_error, steps[0].bounds), (1.0, 0.0, None));
    }

    #[test]
    fn degenerate_lives_give_no_modes_or_a_flaw() {
        assert_eq!(cumulative_incidence(&competing(&[4.0, 5.0], &[0, 0]), 0.9), Ok(Vec::new()));
        assert_eq!(cumulative_incidence(&CompetingLives::default(), 0.9), Err(Flaw::Empty));
        assert_eq!(cumulative_incidence(&competing(&[f64::NAN], &[1]), 0.9), Err(Flaw::Invalid));
        assert_eq!(cumulative_incidence(&competing(&[-4.0], &[1]), 0.9), Err(Flaw::Invalid));
        assert_eq!(cumulative_incidence(&competing(&[4.0], &[1, 2]), 0.9), Err(Flaw::Invalid));
        assert_eq!(cumulative_incidence(&competing(&[4.0], &[1]), 2.0), Err(Flaw::Invalid));
    }

    proptest! {
        #[test]
        fn incidences_and_survival_sum_to_one(rows in rows(), seed in 1_u32..50) {
            let all = from_rows(&rows);
            let mode = |index: usize| if rows[index].1 { 1 + (index as u32 * seed) % 3 } else { 0 };
            let modes = (0..rows.len()).map(mode).collect();
            let lives = CompetingLives { exits: all.exits.clone(), modes, entries: all.entries.clone() };
            let incidence = cumulative_incidence(&lives, 0.9).unwrap();
            for step in kaplan_meier(&all, 0.9).unwrap() {
                let reached = |mode: &ModeIncidence| {
                    let before = mode.steps.iter().take_while(|other| other.time <= step.time);
                    before.last().map_or(0.0, |last| last.incidence)
                };
                let total: f64 = incidence.iter().map(reached).sum();
                prop_assert!((total + step.survival - 1.0).abs() < 1e-12);
            }
        }

        #[test]
        fn order_of_rows_does_not_matter((rows, shuffled) in prop::collection::vec((1_u32..20, 0_u32..4), 1..30)
            .prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle())))
        {
            let lives = |rows: &[(u32, u32)]| CompetingLives {
                exits: rows.iter().map(|row| f64::from(row.0)).collect(),
                modes: rows.iter().map(|row| row.1).collect(),
                entries: Vec::new(),
            };
            prop_assert_eq!(cumulative_incidence(&lives(&rows), 0.9), cumulative_incidence(&lives(&shuffled), 0.9));
        }
    }
}
