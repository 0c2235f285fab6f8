//! The mean cumulative function: events that one system has had by an age, on average over the fleet.
//!
//! It assumes no law and never lets a system count beyond the end of its own watch.

use super::{History, RecurrenceFlaw, flaw};
use crate::estimation::survival::{Interval, normal_multiplier};

/// The mean just after one distinct event age; constant from there to the next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeanCumulativeStep {
    /// The event age, in the unit of the histories.
    pub time: f64,
    /// Systems still watched at that age, those whose watch ends there included.
    pub at_risk: usize,
    /// Events at that age.
    pub events: usize,
    /// Events per system up to and including that age.
    pub mean: f64,
    /// Its variance where all events, also those of one system, are independent of each other.
    pub variance_poisson: f64,
    /// Its variance where only the systems are independent: also right where some systems fail more than others.
    pub variance_robust: f64,
    /// Symmetric in the logarithm, by `variance_poisson`.
    pub bounds_poisson: Option<Interval>,
    /// Symmetric in the logarithm, by `variance_robust`.
    pub bounds_robust: Option<Interval>,
}

/// The mean cumulative number of events at each distinct event age, by age; empty where no event was seen.
///
/// `M(t) = Σ d/n` over event ages up to `t`, with `n` systems whose watch ends at that age or later (Nelson 1988).
///
/// `variance_poisson` adds `(1 − 1/n)/n²` for each event: events one by one, each falling on one of the `n` systems
/// (ReliaSoft's recurrent event analysis, after Nelson 2003); the `1/n²` of a Poisson process itself is a little more.
/// `variance_robust` is Lawless & Nadeau's (1995, section 2): over systems, the sum of `(Σ (dᵢ − d/n)/n)²`, the
/// inner sum over event ages at which system `i` was watched. The bounds are `M·exp(±z·√variance/M)` at the
/// two-sided `confidence`.
///
/// # Errors
/// [`RecurrenceFlaw`]: no system, bad ages, events after the end or a bad confidence.
pub fn mean_cumulative_function(
    systems: &[History],
    confidence: f64,
) -> Result<Vec<MeanCumulativeStep>, RecurrenceFlaw> {
    let multiplier = normal_multiplier(confidence).ok_or(RecurrenceFlaw::InvalidConfidence)?;
    if let Some(flaw) = flaw(systems) {
        return Err(flaw);
    }
    let mut events: Vec<(f64, usize)> = Vec::new();
    for (system, history) in systems.iter().enumerate() {
        events.extend(history.events.iter().map(|age| (*age, system)));
    }
    events.sort_unstable_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));

    let mut deviations = Deviations::new(systems);
    let (mut mean, mut variance) = (0.0, 0.0);
    let steps = events.chunk_by(|one, other| one.0 == other.0).map(|tied| {
        let time = tied[0].0;
        deviations.retire_before(time);
        let at_risk = deviations.at_risk() as f64;
        let count = tied.len() as f64;
        mean += count / at_risk;
        variance += count * (1.0 - at_risk.recip()) / (at_risk * at_risk);
        deviations.add(tied);
        let robust = deviations.sum_of_squares(mean);
        MeanCumulativeStep {
            time,
            at_risk: deviations.at_risk(),
            events: tied.len(),
            mean,
            variance_poisson: variance,
            variance_robust: robust,
            bounds_poisson: Interval::log_transformed(mean, f64::sqrt(variance), multiplier),
            bounds_robust: Interval::log_transformed(mean, robust.sqrt(), multiplier),
        }
    });
    Ok(steps.collect())
}

/// How far each system is from the mean, kept so that an age costs only as much as it has events: all systems at risk
/// share one shift, and only those with events have something of their own.
struct Deviations {
    /// Ends of observation, ascending, each with its system.
    ends: Vec<(f64, usize)>,
    retired: usize,
    own: Vec<f64>,
    shift: f64,
    /// The sum over systems at risk, which an event age leaves as it is.
    sum_at_risk: f64,
    squares: f64,
}

impl Deviations {
    fn new(systems: &[History]) -> Self {
        let ends = systems.iter().enumerate();
        let mut ends: Vec<(f64, usize)> =
            ends.filter_map(|(system, history)| history.observation_end().map(|end| (end, system))).collect();
        ends.sort_unstable_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
        Self { ends, retired: 0, own: vec![0.0; systems.len()], shift: 0.0, sum_at_risk: 0.0, squares: 0.0 }
    }

    fn at_risk(&self) -> usize {
        self.ends.len() - self.retired
    }

    /// Takes out the systems whose watch ended before `time`; their squares stay.
    fn retire_before(&mut self, time: f64) {
        while let Some((_, system)) = self.ends.get(self.retired).filter(|(end, _)| *end < time) {
            self.sum_at_risk -= self.own[*system] - self.shift;
            self.retired += 1;
        }
    }

    /// Adds one age's events, given in order of system.
    fn add(&mut self, events: &[(f64, usize)]) {
        let at_risk = self.at_risk() as f64;
        let mean = events.len() as f64 / at_risk;
        let (mut products, mut count_squares) = (0.0, 0.0);
        for of_system in events.chunk_by(|one, other| one.1 == other.1) {
            let system = of_system[0].1;
            let count = of_system.len() as f64;
            products += (self.own[system] - self.shift) * count;
            count_squares += count * count;
            self.own[system] += count / at_risk;
        }
        self.squares += 2.0 * (products - mean * self.sum_at_risk) / at_risk
            + (count_squares - at_risk * mean * mean) / (at_risk * at_risk);
        self.shift += mean / at_risk;
    }

    /// The sum of squared deviations, with what is only rounding (systems that are all alike) taken as zero.
    fn sum_of_squares(&self, mean: f64) -> f64 {
        let rounding = 64.0 * f64::EPSILON * mean * mean / self.ends.len() as f64;
        if self.squares > rounding { self.squares } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::estimation::survival::testing::assert_close;

    fn history(events: &[f64], end: f64) -> History {
        History { events: events.to_vec(), end: Some(end) }
    }

    #[test]
    fn five_systems_give_the_published_means_and_variance() {
        // ReliaWiki, "Recurrent Event Data Analysis", the example of five systems; `reliability` 0.9.0 gives the same.
        let systems = [
            history(&[5.0, 10.0, 15.0], 17.0),
            history(&[6.0, 13.0, 17.0], 19.0),
            history(&[12.0, 20.0, 25.0], 26.0),
            history(&[13.0, 15.0], 24.0),
            history(&[16.0, 22.0, 25.0], 28.0),
        ];
        let curve = mean_cumulative_function(&systems, 0.95).unwrap();
        for (time, mean) in [
            (5.0, 0.2),
            (10.0, 0.6),
            (13.0, 1.2),
            (15.0, 1.6),
            (17.0, 2.0),
            (20.0, 2.333333),
            (22.0, 2.666667),
            (25.0, 3.666667),
        ] {
            let step = curve.iter().find(|step| step.time == time).unwrap();
            assert_close(step.mean, mean, 2e-7);
        }
        let last = curve.last().unwrap();
        assert_close(last.variance_poisson, 0.718148, 1e-6);
        // The source sums the mean after every single event, also of the ties at 13, 15 and 25.
        let sum: f64 = curve.iter().map(|step| step.events as f64 * step.mean).sum();
        assert_close(sum - (0.2 + 0.2 + 0.5), 22.8333333, 2e-9);
        // Lawless & Nadeau's formula evaluated as it stands, in numpy.
        assert_close(last.variance_robust, 0.14518518518518517, 1e-12);
    }

    #[test]
    fn three_simulated_systems_give_the_textbook_means() {
        // Meeker & Escobar 1998, chapter 16; variances by Lawless & Nadeau's formula as it stands, in numpy.
        let systems = [history(&[5.0, 8.0], 12.0), history(&[], 16.0), history(&[1.0, 8.0, 16.0], 20.0)];
        let expected = [
            (1.0, 3, 1, 1.0 / 3.0, 0.07407407407407407),
            (5.0, 3, 1, 2.0 / 3.0, 0.07407407407407407),
            (8.0, 3, 2, 4.0 / 3.0, 0.29629629629629634),
            (16.0, 2, 1, 11.0 / 6.0, 0.7546296296296297),
        ];
        let curve = mean_cumulative_function(&systems, 0.95).unwrap();
        assert_eq!(curve.len(), expected.len());
        for (step, (time, at_risk, events, mean, variance)) in curve.iter().zip(expected) {
            assert_eq!((step.time, step.at_risk, step.events), (time, at_risk, events));
            assert_close(step.mean, mean, 1e-14);
            assert_close(step.variance_robust, variance, 1e-12);
        }
        // exp(±1.959964 √variance / mean).
        let bounds = curve[0].bounds_robust.unwrap();
        let factor = (1.959963984540054_f64 * 0.07407407407407407_f64.sqrt() * 3.0).exp();
        assert_close(bounds.lower, 1.0 / 3.0 / factor, 1e-12);
        assert_close(bounds.upper, factor / 3.0, 1e-12);
    }

    /// Replacements of valve seats in 41 diesel engines, in days (Nelson & Doganaksoy 1989; Nelson 1995; R's
    /// `survival::valveSeat`).
    fn valve_seats() -> Vec<History> {
        let replaced: [(&[f64], f64); 24] = [
            (&[98.0], 667.0),
            (&[326.0, 653.0, 653.0], 667.0),
            (&[84.0], 667.0),
            (&[87.0], 663.0),
            (&[646.0], 653.0),
            (&[92.0], 653.0),
            (&[258.0, 328.0, 377.0, 621.0], 650.0),
            (&[61.0, 539.0], 648.0),
            (&[254.0, 276.0, 298.0, 640.0], 644.0),
            (&[76.0, 538.0], 642.0),
            (&[635.0], 641.0),
            (&[349.0, 404.0, 561.0], 649.0),
            (&[120.0, 479.0], 614.0),
            (&[323.0, 449.0], 582.0),
            (&[139.0, 139.0], 589.0),
            (&[573.0], 589.0),
            (&[165.0, 408.0, 604.0], 606.0),
            (&[249.0], 594.0),
            (&[344.0, 497.0], 613.0),
            (&[265.0, 586.0], 595.0),
            (&[166.0, 206.0, 348.0], 389.0),
            (&[410.0, 581.0], 601.0),
            (&[367.0], 603.0),
            (&[202.0, 563.0, 570.0], 585.0),
        ];
        let never = [
            761.0, 759.0, 665.0, 651.0, 631.0, 596.0, 593.0, 601.0, 611.0, 608.0, 587.0, 587.0, 578.0, 578.0, 586.0,
            585.0, 582.0,
        ];
        let replaced = replaced.iter().map(|(events, end)| history(events, *end));
        replaced.chain(never.iter().map(|end| history(&[], *end))).collect()
    }

    #[test]
    fn valve_seats_agree_with_the_formulas_as_they_stand() {
        // A loop over all systems and ages in numpy: at risk, mean, independent and robust variance.
        let curve = mean_cumulative_function(&valve_seats(), 0.95).unwrap();
        for (time, at_risk, mean, poisson, robust) in [
            (61.0, 41, 0.024390243902439025, 0.0005803746318248429, 0.0005803746318248429),
            (139.0, 41, 0.2195121951219512, 0.005223371686423587, 0.005368465344379798),
            (328.0, 41, 0.5365853658536587, 0.01276824190014654, 0.01320352287401518),
            (479.0, 40, 0.783536585365854, 0.018716990059270747, 0.021336107418276),
            (653.0, 9, 1.5426875135570297, 0.06445947432199894, 0.09712950892892841),
        ] {
            let step = curve.iter().find(|step| step.time == time).unwrap();
            assert_eq!(step.at_risk, at_risk);
            assert_close(step.mean, mean, 1e-12);
            assert_close(step.variance_poisson, poisson, 1e-12);
            assert_close(step.variance_robust, robust, 1e-11);
        }
        assert_eq!(curve.iter().map(|step| step.events).sum::<usize>(), 48);
    }

    #[test]
    fn systems_that_are_all_alike_have_no_robust_variance() {
        let curve = mean_cumulative_function(&vec![history(&[1.3, 2.7, 4.1], 5.0); 7], 0.95).unwrap();
        for step in curve {
            assert_eq!(step.variance_robust, 0.0);
            assert!(step.variance_poisson > 0.0);
        }
    }

    #[test]
    fn a_lone_system_counts_its_events_without_variance() {
        let curve = mean_cumulative_function(&[History { events: vec![3.0, 1.0], end: None }], 0.9).unwrap();
        let last = curve[1];
        assert_eq!((last.time, last.mean, last.variance_poisson, last.variance_robust), (3.0, 2.0, 0.0, 0.0));
    }

    #[test]
    fn events_at_age_zero_and_at_the_end_count() {
        let curve = mean_cumulative_function(&[history(&[0.0, 4.0], 4.0), history(&[], 4.0)], 0.9).unwrap();
        assert_eq!(curve.iter().map(|step| (step.time, step.mean)).collect::<Vec<_>>(), [(0.0, 0.5), (4.0, 1.0)]);
    }

    #[test]
    fn degenerate_histories_give_no_steps_or_a_reason() {
        let of = |systems: &[History]| mean_cumulative_function(systems, 0.9);
        assert_eq!(of(&[]), Err(RecurrenceFlaw::Empty));
        assert_eq!(of(&[History::default()]), Err(RecurrenceFlaw::Empty));
        assert_eq!(of(&[history(&[], 5.0)]), Ok(Vec::new()));
        assert_eq!(of(&[history(&[6.0], 5.0)]), Err(RecurrenceFlaw::EventAfterEnd));
        for bad in [-1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(of(&[history(&[bad], 5.0)]), Err(RecurrenceFlaw::InvalidAge));
            assert_eq!(of(&[history(&[], bad)]), Err(RecurrenceFlaw::InvalidAge));
        }
        assert_eq!(mean_cumulative_function(&[history(&[1.0], 5.0)], 1.0), Err(RecurrenceFlaw::InvalidConfidence));
    }

    fn histories() -> impl Strategy<Value = Vec<History>> {
        let system = (prop::collection::vec(0_u32..40, 0..6), 0_u32..20).prop_map(|(events, more)| {
            let events: Vec<f64> = events.into_iter().map(f64::from).collect();
            let end = events.iter().copied().fold(1.0, f64::max) + f64::from(more);
            History { events, end: Some(end) }
        });
        prop::collection::vec(system, 1..15)
    }

    proptest! {
        #[test]
        fn the_robust_variance_is_the_formula_as_it_stands(systems in histories()) {
            let curve = mean_cumulative_function(&systems, 0.9).unwrap();
            let mut deviations = vec![0.0; systems.len()];
            for step in &curve {
                for (deviation, system) in deviations.iter_mut().zip(&systems) {
                    if system.end >= Some(step.time) {
                        let own = system.events.iter().filter(|age| **age == step.time).count() as f64;
                        *deviation += (own - step.events as f64 / step.at_risk as f64) / step.at_risk as f64;
                    }
                }
                let variance: f64 = deviations.iter().map(|deviation| deviation * deviation).sum();
                prop_assert!((step.variance_robust - variance).abs() <= 1e-11 * step.mean * step.mean);
            }
        }

        #[test]
        fn order_of_systems_and_events_does_not_matter(
            (systems, shuffled) in histories().prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle()))
        ) {
            let mut shuffled = shuffled;
            for system in &mut shuffled {
                system.events.reverse();
            }
            let plain = mean_cumulative_function(&systems, 0.9).unwrap();
            let permuted = mean_cumulative_function(&shuffled, 0.9).unwrap();
            for (one, other) in plain.iter().zip(&permuted) {
                prop_assert_eq!((one.time, one.at_risk, one.events), (other.time, other.at_risk, other.events));
                prop_assert!((one.mean - other.mean).abs() <= 1e-12 * one.mean);
                prop_assert!((one.variance_robust - other.variance_robust).abs() <= 1e-9 * one.variance_robust);
            }
        }
    }
}
