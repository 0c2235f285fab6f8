//! How often a rule is in alert by its definition and the Poisson law alone, with equal hours in all months: sums over
//! all counts that are not as good as impossible, with no random number in them.

use fleet_functions::estimation::numeric::{ln_gamma, poisson_cdf};
use fleet_functions::estimation::rates::alert_count;

/// Counts this many standard deviations from the mean, and this many reports more, are left out.
const DEVIATIONS: f64 = 9.0;
const REPORTS: f64 = 25.0;

/// The chance that a month's count exceeds the 95 % quantile that twelve months before it gave, where the month's mean
/// is `change` times theirs.
pub fn poisson_upper(mean: f64, change: f64) -> f64 {
    let exceeding = |before: u64| {
        let level = alert_count(before as f64 / 12.0, 0.95).unwrap();
        1.0 - poisson_cdf(level, mean * change)
    };
    masses(12.0 * mean).map(|(before, mass)| mass * exceeding(before)).sum()
}

/// The chance that the rate of three months exceeds 1.3 times the mean of the twelve such rates before, where the last
/// month's mean is `change` times the others'; and the chance that it exceeds or equals it.
///
/// In 360ths of a report the one less the other is 120 − 0 times the month's count, (120 − 13) and (120 − 26) times
/// those of the two before, which are also in one and two of the rates before, −39 times those of the ten before these,
/// which are in three each, −26 and −13 times the last two.
pub fn factor(mean: f64, change: f64) -> (f64, f64) {
    let terms = [(120, mean * change), (107, mean), (94, mean), (-39, 10.0 * mean), (-26, mean), (-13, mean)];
    let mut sums = Sums { lowest: 0, masses: vec![1.0] };
    for (weight, mean) in terms {
        sums = sums.plus(weight, mean);
    }
    let chance = |from: i64| {
        let skipped = (from - sums.lowest).max(0) as usize;
        sums.masses.iter().skip(skipped).sum()
    };
    (chance(1), chance(0))
}

/// The law of a whole number, from its lowest value on.
struct Sums {
    lowest: i64,
    masses: Vec<f64>,
}

impl Sums {
    /// The law of the number plus `weight` times an independent Poisson count.
    fn plus(&self, weight: i64, mean: f64) -> Self {
        let counts: Vec<(i64, f64)> = masses(mean).map(|(count, mass)| (weight * count as i64, mass)).collect();
        let steps = || counts.iter().map(|(step, _)| *step);
        let (least, most) = (steps().min().unwrap_or(0), steps().max().unwrap_or(0));
        let mut masses = vec![0.0; self.masses.len() + (most - least) as usize];
        for (step, mass) in counts {
            let target = &mut masses[(step - least) as usize..];
            for (place, own) in target.iter_mut().zip(&self.masses) {
                *place += mass * own;
            }
        }
        Self { lowest: self.lowest + least, masses }
    }
}

/// The counts of a Poisson law with their chances.
fn masses(mean: f64) -> impl Iterator<Item = (u64, f64)> {
    let reach = DEVIATIONS * mean.sqrt();
    let (first, last) = ((mean - reach).max(0.0) as u64, (mean + reach + REPORTS) as u64);
    (first..=last).map(move |count| {
        let real = count as f64;
        (count, (real * mean.ln() - mean - ln_gamma(real + 1.0)).exp())
    })
}
