//! Seeded randomness: every consumer has a stream of its own, so that no draw depends on the order of threads.
//! Never reads the operating system's entropy.

use rand::RngExt;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use rand_distr::{Exp1, StandardNormal};

/// What a stream is drawn for: streams of different purposes are independent.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    Aircraft = 1,
    Pool = 2,
    Delivery = 3,
    Telemetry = 4,
    Reference = 5,
}

/// An independent sequence of random numbers.
#[derive(Clone)]
pub(crate) struct Stream(ChaCha8Rng);

impl Stream {
    /// The stream of one purpose and two indices, such as an aircraft and a day.
    pub(crate) fn new(seed: u64, purpose: Purpose, first: u64, second: u64) -> Self {
        let mut bytes = [0; 32];
        for (slot, word) in bytes.chunks_exact_mut(8).zip([seed, purpose as u64, first, second]) {
            slot.copy_from_slice(&word.to_le_bytes());
        }
        Self(ChaCha8Rng::from_seed(bytes))
    }

    /// Uniform in `[0, 1)`.
    pub(crate) fn unit(&mut self) -> f64 {
        self.0.random()
    }

    /// Uniform in `[from, to)`.
    pub(crate) fn uniform(&mut self, from: f64, to: f64) -> f64 {
        from + (to - from) * self.unit()
    }

    /// Uniform over the integers `from..=to`.
    pub(crate) fn integer(&mut self, from: i64, to: i64) -> i64 {
        self.0.random_range(from..=to.max(from))
    }

    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    pub(crate) fn standard_normal(&mut self) -> f64 {
        self.0.sample(StandardNormal)
    }

    pub(crate) fn normal(&mut self, mean: f64, deviation: f64) -> f64 {
        mean + deviation * self.standard_normal()
    }

    pub(crate) fn lognormal(&mut self, median: f64, sigma: f64) -> f64 {
        median * (sigma * self.standard_normal()).exp()
    }

    pub(crate) fn exponential(&mut self, mean: f64) -> f64 {
        let unit: f64 = self.0.sample(Exp1);
        mean * unit
    }

    /// Knuth's method, good for the small means used here.
    pub(crate) fn poisson(&mut self, mean: f64) -> u32 {
        let limit = (-mean).exp();
        let mut product = self.unit();
        let mut count = 0;
        while product > limit && count < 1000 {
            product *= self.unit();
            count += 1;
        }
        count
    }

    /// An index below `length`; 0 when there is none.
    pub(crate) fn index(&mut self, length: usize) -> usize {
        self.0.random_range(0..length.max(1))
    }

    /// One of a non-empty table.
    pub(crate) fn pick<'a, T>(&mut self, table: &'a [T]) -> &'a T {
        &table[self.index(table.len())]
    }

    /// An index drawn in proportion to `weights`.
    pub(crate) fn weighted(&mut self, weights: &[f64]) -> usize {
        let mut left = self.unit() * weights.iter().sum::<f64>();
        for (index, weight) in weights.iter().enumerate() {
            left -= weight;
            if left < 0.0 {
                return index;
            }
        }
        weights.len().saturating_sub(1)
    }
}
