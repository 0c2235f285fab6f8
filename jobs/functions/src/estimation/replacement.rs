//! When to replace a unit whose life is Weibull, so that it costs least in the long run.
//!
//! It owns two policies: replacement at an age or on failure, and replacement at an age with minimal repairs in
//! between. It never estimates the law: shape and scale are given.

use crate::estimation::numeric::{chi_squared_cdf, gamma, ln_gamma, root};

/// The hazard integral at which survival, `e⁻⁷⁰⁰`, is at the edge of a float's range: an optimum beyond it is none.
const HAZARD_MAX: f64 = 700.0;

/// A Weibull life and what a replacement costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AgePolicy {
    /// The shape.
    pub beta: f64,
    /// The characteristic life, in the unit of age.
    pub eta: f64,
    /// The cost of a planned replacement.
    pub cost_preventive: f64,
    /// The cost of a failure: of a replacement after it, or of a minimal repair.
    pub cost_corrective: f64,
}

/// Costs of replacement at an age or on failure, whichever is first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AgeReplacement {
    /// Cost per unit of age where nothing is replaced before it fails; `None` where the mean life or the rate is out
    /// of a float's range.
    pub run_to_failure_cost_rate: Option<f64>,
    /// The best age, or why there is none.
    pub optimum: Result<ReplacementAge, ReplacementFlaw>,
}

/// A replacement age and the cost per unit of age with it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReplacementAge {
    pub age: f64,
    pub cost_rate: f64,
}

/// Why no replacement age is best, or why nothing can be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplacementFlaw {
    /// The shape or scale is not positive and finite.
    InvalidLaw,
    /// A cost is not positive and finite.
    InvalidCost,
    /// The age is not positive and finite.
    InvalidAge,
    /// The hazard does not rise with age (shape 1 or less): a new unit is no better than an old one.
    NoWearOut,
    /// A failure costs no more than a planned replacement.
    FailureNotDearer,
    /// The optimum is so late that practically every unit fails first.
    OptimumBeyondLife,
    /// A figure is out of a float's range.
    OutOfRange,
}

impl ReplacementFlaw {
    /// The word that SQL results use.
    pub fn name(self) -> &'static str {
        match self {
            Self::InvalidLaw => "invalid_law",
            Self::InvalidCost => "invalid_cost",
            Self::InvalidAge => "invalid_age",
            Self::NoWearOut => "no_wear_out",
            Self::FailureNotDearer => "failure_not_dearer",
            Self::OptimumBeyondLife => "optimum_beyond_life",
            Self::OutOfRange => "out_of_range",
        }
    }
}

/// The replacement age of least cost rate, with replacement on failure before it.
///
/// The rate is that of [`age_cost_rate`]. Its derivative is zero where `h(t)·∫S + S(t) = Cc/(Cc − Cp)`, whose left
/// side rises from 1 without limit for a shape above 1, so that there is one minimum, of rate `(Cc − Cp)·h(t)` (Barlow
/// & Hunter 1960; Barlow & Proschan 1965, chapter 4). Run to failure costs `Cc/(η Γ(1+1/β))`.
///
/// # Errors
/// For a law or costs that are not positive and finite; why replacement never pays is in the optimum.
pub fn age_replacement(policy: &AgePolicy) -> Result<AgeReplacement, ReplacementFlaw> {
    policy.check()?;
    Ok(AgeReplacement { run_to_failure_cost_rate: policy.run_to_failure_cost_rate(), optimum: policy.optimum() })
}

/// The long-run cost per unit of age where units are replaced at `age` or on failure, whichever is first.
///
/// `[Cp·S(t) + Cc·(1 − S(t))] / ∫₀ᵗ S` (Barlow & Proschan 1965, chapter 4), the integral being
/// `η Γ(1+1/β) P(1/β, (t/η)^β)` with the regularised lower incomplete gamma function `P`.
///
/// # Errors
/// [`ReplacementFlaw`]: a law, costs or an age that are not positive and finite, or a rate beyond a float's range.
pub fn age_cost_rate(policy: &AgePolicy, age: f64) -> Result<f64, ReplacementFlaw> {
    policy.check()?;
    check_age(age)?;
    let scaled = age / policy.eta;
    let failing = -(-scaled.powf(policy.beta)).exp_m1();
    let cost = policy.cost_preventive * (1.0 - failing) + policy.cost_corrective * failing;
    positive(cost / (policy.eta * mean_use(policy.beta, scaled)))
}

/// The replacement age of least cost rate, where failures before it are put right by repairs that leave the hazard as
/// it was.
///
/// The rate is that of [`minimal_repair_cost_rate`], least at `η·(Cp/(Cr(β−1)))^(1/β)` (Barlow & Hunter 1960,
/// policy II).
///
/// # Errors
/// [`ReplacementFlaw`]: a law or costs that are not positive and finite, a shape of 1 or less, or an age out of range.
pub fn minimal_repair_replacement(policy: &AgePolicy) -> Result<ReplacementAge, ReplacementFlaw> {
    policy.check()?;
    if policy.beta <= 1.0 {
        return Err(ReplacementFlaw::NoWearOut);
    }
    let repairs = policy.cost_preventive / policy.cost_corrective / (policy.beta - 1.0);
    let age = positive(policy.eta * repairs.powf(policy.beta.recip()))?;
    // At the optimum the expected repairs are `repairs`; the age itself may be too rounded to say so.
    let cost_rate = positive((policy.cost_preventive + policy.cost_corrective * repairs) / age)?;
    Ok(ReplacementAge { age, cost_rate })
}

/// The long-run cost per unit of age where units are replaced at `age` and repaired minimally before it.
///
/// `[Cp + Cr·(t/η)^β] / t` (Barlow & Hunter 1960, policy II): each failure costs one repair, the replacement
/// one preventive cost.
///
/// # Errors
/// As [`age_cost_rate`].
pub fn minimal_repair_cost_rate(policy: &AgePolicy, age: f64) -> Result<f64, ReplacementFlaw> {
    policy.check()?;
    check_age(age)?;
    let repairs = (age / policy.eta).powf(policy.beta);
    positive((policy.cost_preventive + policy.cost_corrective * repairs) / age)
}

impl AgePolicy {
    fn check(&self) -> Result<(), ReplacementFlaw> {
        if positive(self.beta).is_err() || positive(self.eta).is_err() {
            return Err(ReplacementFlaw::InvalidLaw);
        }
        if positive(self.cost_preventive).is_err() || positive(self.cost_corrective).is_err() {
            return Err(ReplacementFlaw::InvalidCost);
        }
        Ok(())
    }

    fn run_to_failure_cost_rate(&self) -> Option<f64> {
        positive(self.cost_corrective / (self.eta * gamma(1.0 + self.beta.recip()))).ok()
    }

    fn optimum(&self) -> Result<ReplacementAge, ReplacementFlaw> {
        if self.beta <= 1.0 {
            return Err(ReplacementFlaw::NoWearOut);
        }
        if self.cost_corrective <= self.cost_preventive {
            return Err(ReplacementFlaw::FailureNotDearer);
        }
        let excess = self.cost_corrective - self.cost_preventive;
        // In units of eta, with 1 taken off both sides, so that a small target keeps its digits.
        let target = self.cost_preventive / excess;
        let balance = |hazard_integral: f64| {
            let scaled = hazard_integral.powf(self.beta.recip());
            let hazard = self.beta * hazard_integral / scaled;
            hazard * mean_use(self.beta, scaled) + (-hazard_integral).exp_m1() - target
        };
        let hazard_integral = root(balance, f64::MIN_POSITIVE, HAZARD_MAX).ok_or(ReplacementFlaw::OptimumBeyondLife)?;
        let scaled = hazard_integral.powf(self.beta.recip());
        let age = positive(self.eta * scaled)?;
        let cost_rate = positive(excess * self.beta * hazard_integral / scaled / self.eta)?;
        Ok(ReplacementAge { age, cost_rate })
    }
}

/// The mean age at replacement or failure, over eta, for replacement at `scaled` times eta.
fn mean_use(beta: f64, scaled: f64) -> f64 {
    let hazard_integral = scaled.powf(beta);
    // Below it practically none fail, and the incomplete gamma function would underflow.
    if hazard_integral < 1e-17 {
        return scaled;
    }
    let shape = beta.recip();
    let used = chi_squared_cdf(2.0 * hazard_integral, 2.0 * shape);
    // The gamma function overflows before the product does.
    (ln_gamma(1.0 + shape) + used.ln()).exp()
}

fn check_age(age: f64) -> Result<(), ReplacementFlaw> {
    positive(age).map(|_| ()).map_err(|_| ReplacementFlaw::InvalidAge)
}

fn positive(figure: f64) -> Result<f64, ReplacementFlaw> {
    (figure.is_finite() && figure > 0.0).then_some(figure).ok_or(ReplacementFlaw::OutOfRange)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::estimation::survival::testing::assert_close;

    fn policy(beta: f64, eta: f64, cost_preventive: f64, cost_corrective: f64) -> AgePolicy {
        AgePolicy { beta, eta, cost_preventive, cost_corrective }
    }

    #[test]
    fn the_reliasoft_example_gives_the_known_optimum() {
        // The data of `reliability`'s documentation; the optimum by scipy's quad and minimize. That program's grid
        // answers 493.1851, and its minimal-repair answer, 1618.64, charges the costs the wrong way round.
        let example = policy(2.5, 1000.0, 1.0, 5.0);
        let result = age_replacement(&example).unwrap();
        let optimum = result.optimum.unwrap();
        assert_close(optimum.age, 493.0469576, 1e-10);
        assert_close(optimum.cost_rate, 0.00346204274, 1e-9);
        assert_close(result.run_to_failure_cost_rate.unwrap(), 0.00563530249, 1e-9);
        assert_close(minimal_repair_replacement(&example).unwrap().age, 446.6583884, 1e-10);
    }

    #[test]
    fn optima_agree_with_numerical_integration() {
        // scipy's quad and brentq: optimum, its rate, the rate at half of eta, run to failure, minimal repair.
        for (policy, age, cost_rate, half_rate, run_to_failure, minimal) in [
            (
                policy(1.7, 8200.0, 900.0, 7500.0),
                3200.951078779775,
                0.7082794372825504,
                0.7209453102659837,
                1.0250936192707516,
                2905.859163689072,
            ),
            (
                policy(3.5, 250.0, 2.0, 2.5),
                299.98242224807586,
                0.011040469371533518,
                0.016657595149679478,
                0.011114233265913945,
                180.53203938204973,
            ),
            (
                policy(2.0, 1.0, 1.0, 1000.0),
                0.031641239289763715,
                63.21919610094442,
                481.2208060286406,
                1128.3791670955127,
                0.03162277660168379,
            ),
        ] {
            let result = age_replacement(&policy).unwrap();
            let optimum = result.optimum.unwrap();
            assert_close(optimum.age, age, 1e-9);
            assert_close(optimum.cost_rate, cost_rate, 1e-10);
            assert_close(age_cost_rate(&policy, 0.5 * policy.eta).unwrap(), half_rate, 1e-11);
            assert_close(result.run_to_failure_cost_rate.unwrap(), run_to_failure, 1e-12);
            assert_close(minimal_repair_replacement(&policy).unwrap().age, minimal, 1e-12);
        }
    }

    #[test]
    fn replacement_never_pays_without_wear_out_or_gain() {
        let reason = |policy: AgePolicy| age_replacement(&policy).unwrap().optimum.unwrap_err();
        assert_eq!(reason(policy(1.0, 100.0, 1.0, 5.0)), ReplacementFlaw::NoWearOut);
        assert_eq!(reason(policy(0.7, 100.0, 1.0, 5.0)), ReplacementFlaw::NoWearOut);
        assert_eq!(reason(policy(3.0, 100.0, 5.0, 5.0)), ReplacementFlaw::FailureNotDearer);
        assert_eq!(reason(policy(1.001, 100.0, 1.0, 1.01)), ReplacementFlaw::OptimumBeyondLife);
        assert_eq!(minimal_repair_replacement(&policy(1.0, 100.0, 1.0, 5.0)), Err(ReplacementFlaw::NoWearOut));
        let exponential = age_replacement(&policy(1.0, 100.0, 1.0, 5.0)).unwrap();
        assert_close(exponential.run_to_failure_cost_rate.unwrap(), 0.05, 1e-14);
        assert_eq!(ReplacementFlaw::NoWearOut.name(), "no_wear_out");
    }

    #[test]
    fn minimal_repair_pays_even_where_a_repair_is_cheap() {
        let cheap = policy(2.0, 100.0, 9.0, 1.0);
        let optimum = minimal_repair_replacement(&cheap).unwrap();
        assert_close(optimum.age, 300.0, 1e-14);
        assert_close(optimum.cost_rate, minimal_repair_cost_rate(&cheap, 300.0).unwrap(), 1e-14);
    }

    #[test]
    fn bad_input_is_a_reason() {
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(age_replacement(&policy(bad, 1.0, 1.0, 2.0)), Err(ReplacementFlaw::InvalidLaw));
            assert_eq!(age_replacement(&policy(2.0, bad, 1.0, 2.0)), Err(ReplacementFlaw::InvalidLaw));
            assert_eq!(age_replacement(&policy(2.0, 1.0, bad, 2.0)), Err(ReplacementFlaw::InvalidCost));
            assert_eq!(minimal_repair_replacement(&policy(2.0, 1.0, 1.0, bad)), Err(ReplacementFlaw::InvalidCost));
            assert_eq!(age_cost_rate(&policy(2.0, 1.0, 1.0, 2.0), bad), Err(ReplacementFlaw::InvalidAge));
            assert_eq!(minimal_repair_cost_rate(&policy(2.0, 1.0, 1.0, 2.0), bad), Err(ReplacementFlaw::InvalidAge));
        }
    }

    #[test]
    fn very_early_and_very_late_ages_have_their_limits() {
        let steep = policy(8.0, 1000.0, 1.0, 5.0);
        assert_close(age_cost_rate(&steep, 1e-60).unwrap(), 1e60, 1e-12);
        let run_to_failure = age_replacement(&steep).unwrap().run_to_failure_cost_rate.unwrap();
        assert_close(age_cost_rate(&steep, 1e6).unwrap(), run_to_failure, 1e-12);
        let heavy = age_replacement(&policy(0.004, 1.0, 1.0, 5.0)).unwrap();
        assert_eq!(heavy.run_to_failure_cost_rate, None);
    }

    #[test]
    fn a_very_cheap_replacement_is_made_very_early() {
        // For small ages the optimum is that of minimal repair.
        let cheap = policy(2.5, 1000.0, 1e-12, 1.0);
        let age = age_replacement(&cheap).unwrap().optimum.unwrap().age;
        assert_close(age, minimal_repair_replacement(&cheap).unwrap().age, 1e-9);
    }

    proptest! {
        #[test]
        fn no_age_is_cheaper_than_the_optimum(
            beta in 1.2_f64..6.0, eta in 1.0_f64..1e5, ratio in 1.5_f64..50.0, share in 0.05_f64..5.0
        ) {
            let policy = policy(beta, eta, 1.0, ratio);
            let result = age_replacement(&policy).unwrap();
            if let Ok(optimum) = result.optimum {
                let elsewhere = age_cost_rate(&policy, share * optimum.age).unwrap();
                prop_assert!(elsewhere >= optimum.cost_rate * (1.0 - 1e-9));
                prop_assert!(result.run_to_failure_cost_rate.unwrap() >= optimum.cost_rate * (1.0 - 1e-9));
                let there = age_cost_rate(&policy, optimum.age).unwrap();
                prop_assert!((there - optimum.cost_rate).abs() <= 1e-9 * there);
            }
            let repaired = minimal_repair_replacement(&policy).unwrap();
            let elsewhere = minimal_repair_cost_rate(&policy, share * repaired.age).unwrap();
            prop_assert!(elsewhere >= repaired.cost_rate * (1.0 - 1e-9));
        }
    }
}
