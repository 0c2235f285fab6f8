//! False alerts: chapters whose rate does not change.

use rand_chacha::ChaCha8Rng;

use super::chapter::Chapter;
use super::rules::Rule;
use super::{HOURS_SPREAD, SEED, VARIATIONS, chapters, head_of_chapters, percent, row, rule_names, stream};

const STUDY: u64 = 2;

/// Series of each chapter, and months judged in each.
const SERIES: usize = 2000;
const MONTHS: usize = 60;

/// A share with its standard error.
#[derive(Clone, Copy, Debug)]
struct Share {
    value: f64,
    error: f64,
}

#[test]
#[ignore = "takes minutes: make studies"]
fn false_alerts_are_as_frequent_as_the_rules_imply() {
    for (part, variation) in VARIATIONS.into_iter().enumerate() {
        let title = format!(
            "Without a change: months in alert / in alert two months running, % ({SERIES} series of {MONTHS} months a row, \
             coefficient of variation between months {variation}, seed {SEED})"
        );
        let mut text = head_of_chapters(&title, &rule_names());
        let mut error_max = 0.0_f64;
        for (place, chapter) in chapters(HOURS_SPREAD, variation).into_iter().enumerate() {
            let rules = judge(&chapter, &mut stream(STUDY, part, place));
            let cells = rules.map(|[once, twice]| format!("{} / {}", percent(once.value), percent(twice.value)));
            text += &row(&chapter, &cells);
            error_max = rules.iter().flatten().fold(error_max, |most, share| most.max(share.error));
            if variation > 0.0 && chapter.mean() > 500.0 {
                // The quantile is 1.645 standard deviations of Poisson's law, √528 = 23.0 reports, above the mean. The
                // counts' own, with the gamma law's and the twelfth of the estimated mean, is
                // √((528 + 0.04 · 528²) · 13/12) = 112.5: z = 0.336, exceeded in 37 % by the normal law, in 35 % with
                // the first term for the skewness of 0.4.
                let [poisson, _] = rules[2];
                assert!((0.3..0.4).contains(&poisson.value), "Poisson's law knows no other variation: {poisson:?}");
            }
        }
        println!("{text}\nStandard errors: at most {:.2} percentage points\n", 100.0 * error_max);
    }
}

/// For each rule the months in alert, and those in alert with the one before.
fn judge(chapter: &Chapter, random: &mut ChaCha8Rng) -> [[Share; 2]; 3] {
    let mut shares = Rule::ALL.map(|_| [Vec::new(), Vec::new()]);
    for _ in 0..SERIES {
        // One month more, for the first month's predecessor.
        let months = chapter.draw(MONTHS + 1, 1.0, random);
        for (shares, rule) in shares.iter_mut().zip(Rule::ALL) {
            let alerts = rule.judge(&months);
            let once = alerts[1..].iter().filter(|alert| **alert).count();
            let twice = alerts.windows(2).filter(|pair| pair[0] && pair[1]).count();
            shares[0].push(once as f64 / MONTHS as f64);
            shares[1].push(twice as f64 / MONTHS as f64);
        }
    }
    shares.map(|kinds| kinds.map(|kind| Share::of(&kind)))
}

impl Share {
    /// Series are independent, their months are not: the error is that between series.
    fn of(series: &[f64]) -> Self {
        let number = series.len() as f64;
        let value = series.iter().sum::<f64>() / number;
        let squares: f64 = series.iter().map(|share| (share - value).powi(2)).sum();
        Self { value, error: (squares / (number - 1.0) / number).sqrt() }
    }
}
