//! A part's true life: a Weibull failure in competition with no-fault-found returns, convenience removals and a
//! hard time, and what follows from it. Times are flight hours since installation.
//!
//! A unit installed as good as new leaves at the first of: its failure, with survival `S(t) = exp(−(t/η)^β)`
//! (Weibull, 1951); a removal that will be found without fault, exponential with rate λ; a convenience removal,
//! exponential with rate c; and the hard time H, if there is one. The chance that it is still there is
//! `G(t) = S(t)·exp(−(λ+c)·t)`. By renewal reward (Ross, Stochastic Processes, 1996, section 3.6), per installation:
//!
//! - hours flown: `E = ∫₀ᴴ G(t) dt`
//! - unscheduled removals: `U = 1 − G(H) − c·E`, of which `λ·E` are found without fault
//! - expected hours between unscheduled removals: `MTBUR = E / U`
//!
//! λ is what makes `λ·E / U` the part's share of no-fault-found returns.

use super::Part;

/// Simpson intervals: with lives this smooth the error is far below a part in a million.
const INTERVALS: usize = 400;

/// Survival at which the integral stops: exp(−36) is below a double's precision beside 1.
const NEGLIGIBLE_HAZARD: f64 = 36.0;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Life {
    pub(crate) eta_hours: f64,
    pub(crate) beta: f64,
    /// Rate of removals found without fault, per flight hour (λ).
    pub(crate) nff_rate: f64,
    /// Rate of convenience removals, per flight hour (c).
    pub(crate) convenience_rate: f64,
    pub(crate) hard_time_hours: Option<f64>,
    /// Expected hours of an installation, whatever ends it (E).
    pub(crate) expected_hours: f64,
    /// Expected flight hours of a unit between unscheduled removals, no-fault-found returns included.
    pub(crate) expected_mtbur_hours: f64,
}

impl Life {
    pub(crate) fn of(part: &Part) -> Self {
        let mut life = Self {
            eta_hours: part.eta_hours,
            beta: part.beta,
            nff_rate: 0.0,
            convenience_rate: part.convenience / part.eta_hours,
            hard_time_hours: part.hard_time_hours,
            expected_hours: 0.0,
            expected_mtbur_hours: 0.0,
        };
        let (mut low, mut high) = (0.0, 50.0 / part.eta_hours);
        for _ in 0..60 {
            life.nff_rate = f64::midpoint(low, high);
            let (hours, unscheduled) = life.per_installation();
            if life.nff_rate * hours / unscheduled < part.nff_probability {
                low = life.nff_rate;
            } else {
                high = life.nff_rate;
            }
        }
        let (hours, unscheduled) = life.per_installation();
        life.expected_hours = hours;
        life.expected_mtbur_hours = hours / unscheduled;
        life
    }

    /// Expected hours and unscheduled removals of one installation.
    fn per_installation(&self) -> (f64, f64) {
        let end = self.eta_hours * NEGLIGIBLE_HAZARD.powf(self.beta.recip());
        let limit = self.hard_time_hours.map_or(end, |hours| hours.min(end));
        let step = limit / INTERVALS as f64;
        let mut sum = 0.0;
        for index in 0..=INTERVALS {
            let weight = match index {
                0 | INTERVALS => 1.0,
                odd if odd % 2 == 1 => 4.0,
                _ => 2.0,
            };
            sum += weight * self.in_place(step * index as f64);
        }
        let hours = sum * step / 3.0;
        let unscheduled = 1.0 - self.in_place(limit) - self.convenience_rate * hours;
        (hours, unscheduled)
    }

    /// The chance that a unit is still in place after `hours` (G).
    fn in_place(&self, hours: f64) -> f64 {
        let hazard = (hours / self.eta_hours).powf(self.beta);
        (-hazard - (self.nff_rate + self.convenience_rate) * hours).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::PARTS;

    fn part(beta: f64, nff_probability: f64) -> Part {
        Part { eta_hours: 1000.0, beta, nff_probability, convenience: 0.0, hard_time_hours: None, ..PARTS[0] }
    }

    #[test]
    fn without_returns_the_mtbur_is_the_weibull_mean() {
        // η·Γ(1 + 1/β) at β = 2 is η·√π/2.
        let life = Life::of(&part(2.0, 0.0));
        let mean = 1000.0 * std::f64::consts::PI.sqrt() / 2.0;
        assert!((life.expected_mtbur_hours - mean).abs() < 0.01, "{life:?}");
    }

    #[test]
    fn exponential_lives_compete_in_closed_form() {
        // With β = 1 the rates add: the failures' is 1/η, so the MTBUR is η·(1 − p).
        let life = Life::of(&part(1.0, 0.25));
        assert!((life.expected_mtbur_hours - 750.0).abs() < 0.01, "{life:?}");
        assert!((life.nff_rate - 0.25 / 750.0).abs() < 1e-8, "{life:?}");
    }

    #[test]
    fn a_hard_time_leaves_fewer_unscheduled_removals() {
        let mut limited = part(3.0, 0.0);
        limited.hard_time_hours = Some(500.0);
        let free = Life::of(&part(3.0, 0.0)).expected_mtbur_hours;
        assert!(Life::of(&limited).expected_mtbur_hours > 3.0 * free);
    }
}
