//! The power-law process (Crow–AMSAA) of one or several like systems, and tests for trend.
//!
//! It owns the shape of the event rate over age. It never treats what data cannot tell: a figure without a source of
//! its own (say, bounds of a rate with too few events) is `None`.

use super::{History, RecurrenceFlaw, flaw};
use crate::estimation::numeric::{chi_squared_cdf, chi_squared_quantile, chi_squared_sf, normal_sf, root_around};
use crate::estimation::survival::{Interval, normal_multiplier};

/// The level at which the MIL-HDBK-189 test calls a trend.
const TREND_LEVEL: f64 = 0.05;

/// Events below which no trend is called: Laplace's statistic is near normal from four on (Ascher & Feingold 1984,
/// chapter 5), and fewer rarely tell one.
const TREND_EVENTS_MIN: usize = 4;

/// The fitted process `E[events by age t of one system] = λ·t^β`, with tests that need no fit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CrowAmsaa {
    /// Systems that were watched at all.
    pub systems: usize,
    pub events: usize,
    /// The highest age at which a system was watched, to which the two mean times between failures refer.
    pub age: f64,
    /// The maximum-likelihood shape: below 1 the event rate falls with age.
    pub beta: f64,
    /// Exact where all ends are equal (see [`crow_amsaa()`]); `None` where no event lies within a watch.
    pub beta_bounds: Option<Interval>,
    /// The shape without its bias; `None` where fewer than two events lie within their watches.
    pub beta_unbiased: Option<f64>,
    /// `1 − β`.
    pub growth_rate: f64,
    /// The scale, in events per unit of age to the power of β; `None` where it is out of a float's range.
    pub lambda: Option<f64>,
    /// Age over expected events of one system, at `age`.
    pub mtbf_cumulative: f64,
    /// The reciprocal of one system's event rate at `age`.
    pub mtbf_instantaneous: f64,
    /// From the Fisher matrix, symmetric in the logarithm.
    pub mtbf_instantaneous_bounds: Option<Interval>,
    /// `None` where no event lies within a watch.
    pub laplace: Option<LaplaceTest>,
    /// `None` where no event lies within a watch.
    pub mil_hdbk_189: Option<MilHdbk189Test>,
    pub trend: Trend,
}

/// Laplace's test of a constant event rate: negative where events come early (improvement).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LaplaceTest {
    /// Standard normal where the rate is constant.
    pub statistic: f64,
    /// Two-sided.
    pub p_value: f64,
}

/// The test of a constant event rate against a power law.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MilHdbk189Test {
    pub chi_square: f64,
    pub degrees_of_freedom: usize,
    /// Two-sided: twice the smaller tail.
    pub p_value: f64,
}

/// Where the event rate goes with age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trend {
    /// The rate falls: the test rejects a constant one, and events come early.
    Improving,
    /// The test does not reject a constant rate.
    Stable,
    /// The rate rises.
    Deteriorating,
    /// Too few events to say.
    Undetermined,
}

impl Trend {
    /// The word that SQL results use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Improving => "improving",
            Self::Stable => "stable",
            Self::Deteriorating => "deteriorating",
            Self::Undetermined => "undetermined",
        }
    }
}

/// Fits the power law to like systems by maximum likelihood and tests for trend.
///
/// Each system starts at age 0. `β` solves `N/β + Σ ln X = N Σ T^β ln T / Σ T^β` over `N` events at ages `X` and ends
/// `T`, and `λ = N / Σ T^β` (Crow 1975; MIL-HDBK-189C 2011, section 6); where all ends are equal this is
/// `β = N / Σ ln(T/X)`. A failure-truncated system ends at its last event, which then tells nothing of the shape: with
/// `M = 2 Σ ln(T/X)` and `ν = 2 · (N − failure-truncated systems)`, `β·M` is exactly chi-squared with `ν` degrees of
/// freedom, given the events of each system (Crow 1990). Of that:
/// - bounds of `β` at the two-sided `confidence` are `χ²(ν)/M` where all ends are equal; where they differ, `β` uses
///   more than `M`, and its bounds come from the Fisher matrix, in the logarithm;
/// - `β` unbiased is `(ν − 2)/M`: for one system `(N−1)/N·β` time-truncated and `(N−2)/N·β` failure-truncated. Where
///   ends differ and it is far from `β`, the systems are not alike;
/// - the MIL-HDBK-189 test is `M` against chi-squared with `ν` (`2N` or `2(N−1)` for one system), pooled as by Kvaløy
///   & Lindqvist 1998, which allows systems to differ in rate;
/// - Laplace's test leaves out the last event of a failure-truncated system too (Ascher & Feingold 1984, chapter 5).
///
/// [`Trend`] follows the MIL-HDBK-189 test at 5 %. Bounds of the instantaneous MTBF come from the Fisher matrix in the
/// logarithm; for equal ends that is `exp(±z·√(2/N))`.
///
/// # Errors
/// [`RecurrenceFlaw`]: bad histories or confidence, no event, an event at age 0, all events at the end, or a
/// mean time out of a float's range.
pub fn crow_amsaa(systems: &[History], confidence: f64) -> Result<CrowAmsaa, RecurrenceFlaw> {
    let multiplier = normal_multiplier(confidence).ok_or(RecurrenceFlaw::InvalidConfidence)?;
    let watch = Watch::new(systems)?;
    let beta = watch.beta().ok_or(RecurrenceFlaw::NoSpread)?;
    let expected = watch.expected_at_age(beta);
    let (mtbf_cumulative, mtbf_instantaneous) = (watch.age / expected, watch.age / expected / beta);
    if !(mtbf_cumulative.is_finite() && mtbf_instantaneous.is_finite()) {
        return Err(RecurrenceFlaw::OutOfRange);
    }
    let (log_beta_error, log_mtbf_error) = watch.log_errors(beta);
    let beta_bounds = if watch.has_equal_ends() {
        watch.exact_beta_bounds(confidence)
    } else {
        Interval::log_transformed(beta, beta * log_beta_error, multiplier)
    };
    let mil_hdbk_189 = watch.mil_hdbk_189();
    let lambda = expected * (-beta * watch.age.ln()).exp();
    Ok(CrowAmsaa {
        systems: watch.ends.len(),
        events: watch.events,
        age: watch.age,
        beta,
        beta_bounds,
        beta_unbiased: watch.beta_unbiased(),
        growth_rate: 1.0 - beta,
        lambda: lambda.is_normal().then_some(lambda),
        mtbf_cumulative,
        mtbf_instantaneous,
        mtbf_instantaneous_bounds: Interval::log_transformed(
            mtbf_instantaneous,
            mtbf_instantaneous * log_mtbf_error,
            multiplier,
        ),
        laplace: watch.laplace(),
        mil_hdbk_189,
        trend: trend(mil_hdbk_189, watch.informative),
    })
}

fn trend(test: Option<MilHdbk189Test>, informative: usize) -> Trend {
    match test {
        Some(test) if informative >= TREND_EVENTS_MIN => {
            if test.p_value >= TREND_LEVEL {
                Trend::Stable
            } else if test.chi_square > test.degrees_of_freedom as f64 {
                Trend::Improving
            } else {
                Trend::Deteriorating
            }
        }
        _ => Trend::Undetermined,
    }
}

/// Sums over all systems. Ages within logarithms and powers are in units of the highest end, so that no power
/// overflows.
struct Watch {
    /// The end of each system, over the highest.
    ends: Vec<f64>,
    age: f64,
    events: usize,
    /// Events that say something of the shape: all but the last of each failure-truncated system.
    informative: usize,
    /// `Σ ln(X/age)`.
    log_events: f64,
    /// `2 Σ ln(T/X)`.
    chi_square: f64,
    /// `Σ (X − T/2)` over the informative events.
    laplace_excess: f64,
    /// `Σ T²/12` over the informative events.
    laplace_variance: f64,
}

impl Watch {
    fn new(systems: &[History]) -> Result<Self, RecurrenceFlaw> {
        if let Some(flaw) = flaw(systems) {
            return Err(flaw);
        }
        let all_events = || systems.iter().flat_map(|system| system.events.iter().copied());
        let events = all_events().count();
        if events == 0 {
            return Err(RecurrenceFlaw::NoEvents);
        }
        if all_events().any(|age| age == 0.0) {
            return Err(RecurrenceFlaw::EventAtZero);
        }
        // A system that was only seen at age 0 was not watched.
        let mut ends: Vec<f64> = systems.iter().filter_map(History::observation_end).filter(|end| *end > 0.0).collect();
        ends.sort_unstable_by(f64::total_cmp);
        let age = ends.last().copied().ok_or(RecurrenceFlaw::Empty)?;
        for end in &mut ends {
            *end /= age;
        }
        let log_events = -all_events().map(|event| log_ratio(age, event)).sum::<f64>();
        let mut watch = Self {
            ends,
            age,
            events,
            informative: 0,
            log_events,
            chi_square: 0.0,
            laplace_excess: 0.0,
            laplace_variance: 0.0,
        };
        for system in systems {
            watch.add_tests(system);
        }
        Ok(watch)
    }

    fn add_tests(&mut self, system: &History) {
        let Some(end) = system.observation_end() else { return };
        let left_out = if system.end.is_none() { 1 } else { 0 };
        let informative = system.events.len() - left_out.min(system.events.len());
        self.informative += informative;
        self.chi_square += 2.0 * system.events.iter().map(|event| log_ratio(end, *event)).sum::<f64>();
        let excess: f64 = system.events.iter().map(|event| event - 0.5 * end).sum();
        self.laplace_excess += (excess - left_out as f64 * 0.5 * end) / self.age;
        self.laplace_variance += informative as f64 * (end / self.age).powi(2) / 12.0;
    }

    /// The maximum-likelihood shape; `None` where the likelihood has no maximum.
    fn beta(&self) -> Option<f64> {
        let events = self.events as f64;
        if self.has_equal_ends() {
            return (self.log_events < 0.0).then(|| events / -self.log_events).filter(|beta| beta.is_finite());
        }
        let score = |beta: f64| {
            let (sum, sum_log, _) = self.power_sums(beta);
            events / beta + self.log_events - events * sum_log / sum
        };
        let conditional = 2.0 * events / self.chi_square;
        let start = if conditional.is_finite() { conditional } else { 1.0 };
        root_around(score, start, 1.25, (1e-9, 1e9))
    }

    /// `Σ T^β`, `Σ T^β ln T` and `Σ T^β ln² T`.
    fn power_sums(&self, beta: f64) -> (f64, f64, f64) {
        self.ends.iter().fold((0.0, 0.0, 0.0), |(sum, sum_log, sum_log_squared), end| {
            let (power, log) = (end.powf(beta), end.ln());
            (sum + power, sum_log + power * log, sum_log_squared + power * log * log)
        })
    }

    /// Events that one system has by the highest end.
    fn expected_at_age(&self, beta: f64) -> f64 {
        self.events as f64 / self.power_sums(beta).0
    }

    fn has_equal_ends(&self) -> bool {
        self.ends.iter().all(|end| *end == 1.0)
    }

    /// The standard errors of the logarithms of `β` and of the instantaneous MTBF, from the observed information of
    /// `ln(λ·age^β)` and `β`.
    fn log_errors(&self, beta: f64) -> (f64, f64) {
        let events = self.events as f64;
        let (sum, sum_log, sum_log_squared) = self.power_sums(beta);
        let cross = events * sum_log / sum;
        let of_beta = events / (beta * beta) + events * sum_log_squared / sum;
        let determinant = events * of_beta - cross * cross;
        let slope = beta.recip();
        let of_mtbf = (of_beta - 2.0 * slope * cross + slope * slope * events) / determinant;
        ((events / determinant).sqrt() * slope, of_mtbf.sqrt())
    }

    fn beta_unbiased(&self) -> Option<f64> {
        let unbiased = 2.0 * self.informative.saturating_sub(1) as f64 / self.chi_square;
        Some(unbiased).filter(|beta| beta.is_finite() && *beta > 0.0)
    }

    /// From the exact law of [`Self::chi_square`].
    fn exact_beta_bounds(&self, confidence: f64) -> Option<Interval> {
        if self.informative == 0 || self.chi_square <= 0.0 {
            return None;
        }
        let degrees_of_freedom = 2.0 * self.informative as f64;
        let end = |probability| chi_squared_quantile(probability, degrees_of_freedom) / self.chi_square;
        Interval::new(end(0.5 - 0.5 * confidence), end(0.5 + 0.5 * confidence))
    }

    fn mil_hdbk_189(&self) -> Option<MilHdbk189Test> {
        if self.informative == 0 {
            return None;
        }
        let degrees_of_freedom = 2 * self.informative;
        let below = chi_squared_cdf(self.chi_square, degrees_of_freedom as f64);
        let above = chi_squared_sf(self.chi_square, degrees_of_freedom as f64);
        let p_value = (2.0 * below.min(above)).min(1.0);
        Some(MilHdbk189Test { chi_square: self.chi_square, degrees_of_freedom, p_value })
    }

    fn laplace(&self) -> Option<LaplaceTest> {
        if self.informative == 0 {
            return None;
        }
        let statistic = self.laplace_excess / self.laplace_variance.sqrt();
        let test = LaplaceTest { statistic, p_value: (2.0 * normal_sf(statistic.abs())).min(1.0) };
        statistic.is_finite().then_some(test)
    }
}

/// `ln(end / event)`, also where the quotient is out of a float's range.
fn log_ratio(end: f64, event: f64) -> f64 {
    let ratio = event / end;
    if ratio.is_normal() { -ratio.ln() } else { end.ln() - event.ln() }
}
