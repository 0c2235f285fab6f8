//! The rules on drawn months against the rules by theory.

use rand_chacha::ChaCha8Rng;

use super::chapter::Chapter;
use super::rules::Rule;
use super::{chapters, stream, theory};

const STUDY: u64 = 1;

/// Series of each chapter, one month judged in each, so that all are independent.
const SERIES: usize = 20_000;

/// Reports a month from which on counts are nearly normal.
const MANY: f64 = 500.0;

#[test]
#[ignore = "takes minutes: make studies"]
fn months_are_in_alert_as_often_as_theory_says() {
    for (place, chapter) in chapters(0.0, 0.0).into_iter().enumerate() {
        let mean = chapter.mean();
        for (part, change) in [1.0, 2.0].into_iter().enumerate() {
            let [deviations, factor, poisson] = shares(&chapter, change, &mut stream(STUDY, part, place));
            near(poisson, theory::poisson_upper(mean, change), 0.0, &format!("poisson_upper of {mean}, {change}"));
            // Floats decide on the sums that are exactly at the level.
            let (above, at_or_above) = theory::factor(mean, change);
            let (middle, half) = (0.5 * (at_or_above + above), 0.5 * (at_or_above - above));
            near(factor, middle, half, &format!("factor_1_3 of {mean}, {change}"));
            if mean > MANY && change == 1.0 {
                // A normal rate exceeds the mean of 12 others by 2 of their standard deviations as often as Student's t
                // with 11 degrees of freedom exceeds 2/√(1 + 1/12): 4.05 %. With a skewness of 1/√mean, Edgeworth's
                // first term, skewness/6 (z² − 1) φ(z) at 1.92, is 0.12 percentage points; twice that is left.
                near(deviations, 0.0405, 0.0024, "mean_ksd");
                // The quantile of a known mean is exceeded in 5 % at most; the mean of 12 months adds a twelfth to the
                // variance: 1.645/√(13/12) is exceeded in 5.7 %. A whole count more or less is φ(1.58)/√mean = 0.5 %.
                near(poisson, 0.057, 0.005, "poisson_upper");
            }
        }
    }
}

/// The share of first months with each rule in alert.
fn shares(chapter: &Chapter, change: f64, random: &mut ChaCha8Rng) -> [f64; 3] {
    let mut alerts = [0; 3];
    for _ in 0..SERIES {
        let months = chapter.draw(1, change, random);
        for (alerts, rule) in alerts.iter_mut().zip(Rule::ALL) {
            *alerts += usize::from(rule.judge(&months)[0]);
        }
    }
    alerts.map(|alerts| alerts as f64 / SERIES as f64)
}

/// Whether a share of independent months is within four of its errors, and an allowance, of what is expected.
#[track_caller]
fn near(found: f64, expected: f64, allowance: f64, what: &str) {
    let number = SERIES as f64;
    let error = (expected * (1.0 - expected) / number).max(0.0).sqrt();
    // The last term is for chances so small that not even one month is expected.
    let tolerance = allowance + 4.0 * error + 4.0 / number;
    assert!((found - expected).abs() <= tolerance, "{what}: {found}, expected {expected} ± {tolerance}");
}
