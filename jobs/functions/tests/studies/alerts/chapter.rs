//! Made-up report counts of one ATA chapter.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Gamma, Poisson};

use super::rules::{HISTORY, Months};

const HOURS_OF_AIRCRAFT: f64 = 330.0;

#[derive(Clone, Copy)]
pub struct Chapter {
    pub aircraft: u32,
    pub rate_per_1000_fh: f64,
    /// How far the fleet's hours of a month are from their mean at most, as a share of it; evenly spread.
    pub hours_spread: f64,
    /// Coefficient of variation of the true rate between months (gamma), beside the Poisson counts' own.
    pub variation: f64,
}

impl Chapter {
    /// Reports to be expected in a month.
    pub fn mean(&self) -> f64 {
        f64::from(self.aircraft) * HOURS_OF_AIRCRAFT * self.rate_per_1000_fh / 1000.0
    }

    /// A history and so many months to judge, whose rate is `change` times that of the history.
    pub fn draw(&self, judged: usize, change: f64, random: &mut ChaCha8Rng) -> Months {
        let mut months = Months::default();
        for month in 0..HISTORY + judged {
            let share = 1.0 + self.hours_spread * random.random_range(-1.0..=1.0);
            let change = if month < HISTORY { 1.0 } else { change };
            let mean = self.mean() * share * change * self.level(random);
            let reports: f64 = Poisson::new(mean).unwrap().sample(random);
            months.reports.push(reports as u64);
            months.hours.push(f64::from(self.aircraft) * HOURS_OF_AIRCRAFT * share);
        }
        months
    }

    /// This month's true rate over that of all months.
    fn level(&self, random: &mut ChaCha8Rng) -> f64 {
        if self.variation == 0.0 {
            return 1.0;
        }
        let shape = self.variation.powi(-2);
        Gamma::new(shape, shape.recip()).unwrap().sample(random)
    }
}
