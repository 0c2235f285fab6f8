//! Life distributions fitted to lives by maximum likelihood: what the fits of all laws share.
//!
//! Each law has its file and its `fit`. This one owns the types of their results and the screening of samples. It
//! never estimates: a law's mathematics is in the law's own file.

pub mod best;
mod bounds;
pub mod exponential;
pub mod goodness;
pub mod lognormal;
pub mod weibull;
pub mod weibull3;

#[cfg(test)]
mod tests;

use super::numeric::{gamma, normal_cdf, normal_quantile, normal_sf};
use super::sample::{Flaw, Lives};

/// The share of units failed at the B10 life.
pub const B10_FAILED: f64 = 0.1;

/// A family of life distributions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Law {
    Exponential,
    Weibull,
    Weibull3,
    Lognormal,
}

/// How bounds are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bounds {
    /// From the normal approximation and the observed information, on the scale of the logarithm for what is positive
    /// (Meeker & Escobar 1998, section 8.4.2; Lawless 2003, section 5.1.2). Cheap.
    #[default]
    Wald,
    /// From the profile likelihood against the chi-squared quantile with one degree of freedom (Meeker & Escobar 1998,
    /// section 8.3; Lawless 2003, appendix C). Closer to its confidence in small samples, at some twenty times the cost.
    Profile,
}

/// What a fit is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Two-sided, within 0 and 1; there are no bounds where it is not.
    pub confidence: f64,
    pub bounds: Bounds,
    /// Whether to give the correlation of the probability plot, which has to sort a copy of the sample.
    pub correlation: bool,
}

/// A figure with its uncertainty: `None` is what the data do not determine. No value is ever NaN or infinite.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Estimate {
    pub value: Option<f64>,
    pub standard_error: Option<f64>,
    pub lower: Option<f64>,
    pub upper: Option<f64>,
}

/// A law's parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameter {
    /// `rate`; `shape` and `scale` (and `location`); `mu` and `sigma`.
    pub name: &'static str,
    pub estimate: Estimate,
}

/// A law with its parameters, in the unit of the sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Curve {
    Exponential { rate: f64 },
    Weibull { shape: f64, scale: f64, location: f64 },
    Lognormal { mu: f64, sigma: f64 },
}

/// Whether a fit was found, and if not, why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Fitted,
    /// The sample is unfit for the law.
    Flawed(Flaw),
    /// Nothing failed.
    NoFailures,
    /// A law of two or three parameters was asked of a single failure.
    OneFailure,
    /// All failures have one age, at which such a law's likelihood grows without bound or says next to nothing.
    AllEqual,
    /// The likelihood has no maximum among the law's parameters.
    NoMaximum,
    /// The search ended without one, though there may be one.
    NotConverged,
}

/// A law fitted to a sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    pub law: Law,
    pub outcome: Outcome,
    pub failures: usize,
    pub suspensions: usize,
    /// In the law's order; without a fit there are none, save the exponential law's rate of a sample without failures.
    pub parameters: Vec<Parameter>,
    /// The covariances of the parameters' estimates, row by row in their order; empty where not determined.
    pub covariance: Vec<f64>,
    /// Of densities in the reciprocal of the sample's unit, without constants left out.
    pub log_likelihood: Option<f64>,
    /// Akaike's criterion, −2 log L + 2 k with k parameters (Akaike 1974). Less is better.
    pub aic: Option<f64>,
    /// Schwarz's criterion, −2 log L + k log n with n the number of lives, suspensions included (Schwarz 1978).
    pub bic: Option<f64>,
    /// The age by which a tenth of units has failed.
    pub b10: Estimate,
    pub median: Option<f64>,
    /// The mean life. Its bounds are always [`Bounds::Wald`], save those of the exponential law, which has it as its
    /// parameter.
    pub mean: Estimate,
    /// Of the probability plot: see [`goodness::correlation`].
    pub correlation: Option<f64>,
    pub curve: Option<Curve>,
}

impl Law {
    pub const ALL: [Self; 4] = [Self::Exponential, Self::Weibull, Self::Weibull3, Self::Lognormal];

    /// The word that SQL uses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Exponential => "exponential",
            Self::Weibull => "weibull2",
            Self::Weibull3 => "weibull3",
            Self::Lognormal => "lognormal",
        }
    }

    /// The law fitted to `lives`.
    pub fn fit(self, lives: &Lives, options: &Options) -> Fit {
        match self {
            Self::Exponential => exponential::fit(lives, options),
            Self::Weibull => weibull::fit(lives, options),
            Self::Weibull3 => weibull3::fit(lives, options),
            Self::Lognormal => lognormal::fit(lives, options),
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self { confidence: 0.95, bounds: Bounds::default(), correlation: false }
    }
}

impl Options {
    /// Standard errors to either side; NaN for a confidence out of its range, which makes no bounds.
    fn deviations(&self) -> f64 {
        if self.is_confident() { normal_quantile(0.5 + 0.5 * self.confidence) } else { f64::NAN }
    }

    /// Whether the confidence is within its range.
    fn is_confident(&self) -> bool {
        self.confidence > 0.0 && self.confidence < 1.0
    }

    /// How far the log-likelihood falls to a bound: half the chi-squared quantile with one degree of freedom, which is
    /// the square of a normal one.
    fn fall(&self) -> f64 {
        0.5 * self.deviations().powi(2)
    }
}

impl Outcome {
    /// The word that SQL results use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fitted => "fitted",
            Self::Flawed(flaw) => flaw.name(),
            Self::NoFailures => "no_failures",
            Self::OneFailure => "one_failure",
            Self::AllEqual => "all_equal",
            Self::NoMaximum => "no_maximum",
            Self::NotConverged => "not_converged",
        }
    }
}

impl Curve {
    /// The probability of living past `age`.
    pub fn survival(&self, age: f64) -> f64 {
        match *self {
            Self::Exponential { rate } => (-rate * age.max(0.0)).exp(),
            Self::Weibull { shape, scale, location } => (-((age - location).max(0.0) / scale).powf(shape)).exp(),
            Self::Lognormal { mu, sigma } => normal_sf((age.max(0.0).ln() - mu) / sigma),
        }
    }

    /// The probability of failing by `age`.
    pub fn failed(&self, age: f64) -> f64 {
        match *self {
            Self::Exponential { rate } => -(-rate * age.max(0.0)).exp_m1(),
            Self::Weibull { shape, scale, location } => -(-((age - location).max(0.0) / scale).powf(shape)).exp_m1(),
            Self::Lognormal { mu, sigma } => normal_cdf((age.max(0.0).ln() - mu) / sigma),
        }
    }

    /// The age by which this share of units has failed.
    pub fn quantile(&self, failed: f64) -> f64 {
        let hazard = -(-failed).ln_1p();
        match *self {
            Self::Exponential { rate } => hazard / rate,
            Self::Weibull { shape, scale, location } => location + scale * hazard.powf(shape.recip()),
            Self::Lognormal { mu, sigma } => (mu + sigma * normal_quantile(failed)).exp(),
        }
    }

    /// Whether the parameters are within their ranges.
    fn is_proper(&self) -> bool {
        let positive = |value: f64| value > 0.0 && value.is_finite();
        match *self {
            Self::Exponential { rate } => positive(rate),
            Self::Weibull { shape, scale, location } => positive(shape) && positive(scale) && location.is_finite(),
            Self::Lognormal { mu, sigma } => mu.is_finite() && positive(sigma),
        }
    }

    /// The mean life.
    pub fn mean(&self) -> f64 {
        match *self {
            Self::Exponential { rate } => rate.recip(),
            Self::Weibull { shape, scale, location } => location + scale * gamma(1.0 + shape.recip()),
            Self::Lognormal { mu, sigma } => (mu + 0.5 * sigma * sigma).exp(),
        }
    }
}

impl Fit {
    /// The value of a parameter.
    pub fn parameter(&self, name: &str) -> Option<f64> {
        self.parameters.iter().find(|parameter| parameter.name == name)?.estimate.value
    }

    /// A fit without figures.
    fn without(law: Law, lives: &Lives, outcome: Outcome) -> Self {
        let failures = lives.failures();
        Self {
            law,
            outcome,
            failures,
            suspensions: lives.len().saturating_sub(failures),
            parameters: Vec::new(),
            covariance: Vec::new(),
            log_likelihood: None,
            aic: None,
            bic: None,
            b10: Estimate::default(),
            median: None,
            mean: Estimate::default(),
            correlation: None,
            curve: None,
        }
    }

    /// A fit whose curve and likelihood are known, with the figures that follow from them.
    fn with_curve(law: Law, lives: &Lives, options: &Options, curve: Curve, log_likelihood: f64, free: f64) -> Self {
        let finite = |value: f64| Some(value).filter(|value| value.is_finite());
        Self {
            log_likelihood: finite(log_likelihood),
            aic: finite(2.0 * free - 2.0 * log_likelihood),
            bic: finite(free * (lives.len() as f64).ln() - 2.0 * log_likelihood),
            median: finite(curve.quantile(0.5)),
            correlation: if options.correlation { goodness::correlation(lives, &curve) } else { None },
            curve: Some(curve),
            ..Self::without(law, lives, Outcome::Fitted)
        }
    }

    /// The fit, or none where its figures leave the range of numbers.
    fn checked(self, lives: &Lives) -> Self {
        let proper = self.curve.is_some_and(|curve| curve.is_proper()) && self.log_likelihood.is_some();
        if !proper {
            return Self::without(self.law, lives, Outcome::NotConverged);
        }
        let finite = self.covariance.iter().all(|entry| entry.is_finite());
        Self { covariance: if finite { self.covariance } else { Vec::new() }, ..self }
    }
}

/// What one pass over a sample tells.
#[derive(Clone, Copy, Debug)]
struct Facts {
    failures: f64,
    first_failure: f64,
    last_failure: f64,
    largest_exit: f64,
    /// Times watched, added up.
    exposure: f64,
}

impl Facts {
    /// Of a sample without flaws.
    fn of(lives: &Lives) -> Result<Self, Outcome> {
        if let Some(flaw) = lives.flaw() {
            return Err(Outcome::Flawed(flaw));
        }
        let mut facts =
            Self { failures: 0.0, first_failure: f64::INFINITY, last_failure: 0.0, largest_exit: 0.0, exposure: 0.0 };
        for (exit, observed, entry) in lives.iter() {
            facts.largest_exit = facts.largest_exit.max(exit);
            facts.exposure += exit - entry;
            if observed {
                facts.failures += 1.0;
                facts.first_failure = facts.first_failure.min(exit);
                facts.last_failure = facts.last_failure.max(exit);
            }
        }
        Ok(facts)
    }

    /// The same, of a sample that can tell the two parameters of a law of positive ages.
    fn of_two_ages(lives: &Lives) -> Result<Self, Outcome> {
        let facts = Self::of(lives)?;
        if facts.failures == 0.0 {
            Err(Outcome::NoFailures)
        } else if facts.first_failure == 0.0 {
            Err(Outcome::Flawed(Flaw::ZeroFailure))
        } else if facts.failures == 1.0 {
            Err(Outcome::OneFailure)
        } else if facts.first_failure == facts.last_failure {
            Err(Outcome::AllEqual)
        } else {
            Ok(facts)
        }
    }
}
