//! The three alert rules, from their definitions in the header of `reliability.ata_alert`, with its defaults.
//! Each judges a month by the twelve before it.

use fleet_functions::estimation::rates::alert_count;

const MONTHS_BEFORE: usize = 12;
const STANDARD_DEVIATIONS: f64 = 2.0;
const FACTOR: f64 = 1.3;
const QUANTILE: f64 = 0.95;

/// Months that must lie before the first one judged: the oldest trailing rate looks back two further.
pub const HISTORY: usize = MONTHS_BEFORE + 2;

/// Reports and flight hours of a chapter, month after month.
#[derive(Default)]
pub struct Months {
    pub reports: Vec<u64>,
    pub hours: Vec<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    MeanKsd,
    Factor,
    PoissonUpper,
}

impl Rule {
    pub const ALL: [Self; 3] = [Self::MeanKsd, Self::Factor, Self::PoissonUpper];

    /// The word of the table's column `alert_rule`.
    pub fn name(self) -> &'static str {
        match self {
            Self::MeanKsd => "mean_ksd",
            Self::Factor => "factor_1_3",
            Self::PoissonUpper => "poisson_upper",
        }
    }

    /// Whether each month from [`HISTORY`] on is in alert.
    pub fn judge(self, months: &Months) -> Vec<bool> {
        (HISTORY..months.reports.len()).map(|month| self.is_in_alert(months, month)).collect()
    }

    fn is_in_alert(self, months: &Months, month: usize) -> bool {
        let before = month - MONTHS_BEFORE..month;
        match self {
            Self::MeanKsd => {
                let rates: Vec<f64> = before.map(|month| months.rate(month, 1)).collect();
                months.rate(month, 1) > mean(&rates) + STANDARD_DEVIATIONS * deviation(&rates)
            }
            Self::Factor => {
                let rates: Vec<f64> = before.map(|month| months.rate(month, 3)).collect();
                months.rate(month, 3) > FACTOR * mean(&rates)
            }
            Self::PoissonUpper => {
                let level = alert_count(months.hours[month] * months.rate(month - 1, MONTHS_BEFORE), QUANTILE);
                months.reports[month] > level.unwrap()
            }
        }
    }
}

impl Months {
    /// Reports per flight hour of some months up to this one.
    fn rate(&self, month: usize, trailing: usize) -> f64 {
        let span = month + 1 - trailing..=month;
        self.reports[span.clone()].iter().sum::<u64>() as f64 / self.hours[span].iter().sum::<f64>()
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Of a sample.
fn deviation(values: &[f64]) -> f64 {
    let mean = mean(values);
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (squares / (values.len() - 1) as f64).sqrt()
}
