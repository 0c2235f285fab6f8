//! Root finding, one-dimensional minimisation and special functions: thin wrappers over `argmin`, `statrs` and `libm`.
//!
//! It owns their conventions (tolerances, brackets, argument ranges) and nothing of statistics: it knows no sample and
//! no law. A search that does not succeed is `None`; outside its range a special function is NaN, never a panic.

use std::f64::consts::{LN_2, PI, SQRT_2};

use argmin::core::{CostFunction, Error, Executor, Solver, State, TerminationReason, TerminationStatus};
use argmin::solver::brent::{BrentOpt, BrentRoot};
use statrs::distribution::{ContinuousCDF, Gamma, Normal};
use statrs::function::gamma::{checked_gamma_lr, checked_gamma_ur};

/// Brent's methods converge superlinearly; a search that needs more steps than this is not converging.
const ITERATIONS_MAX: u64 = 400;

/// Newton's method doubles the digits at each step, once it is near.
const NEWTON_STEPS: usize = 12;

/// From here on the tail of the normal law comes from its asymptotic series, exact there to 1e-14, as the difference
/// of large logarithms would not be.
const NORMAL_SERIES_FROM: f64 = 30.0;

/// A zero of `f` between `low` and `high`, where `f` has opposite signs (either value may be infinite), to about 1e-14
/// of the end nearer to zero; by Brent's method (Brent 1973, chapter 4). `None` where the signs are equal or `f` is NaN.
pub fn root(f: impl Fn(f64) -> f64, low: f64, high: f64) -> Option<f64> {
    let (at_low, at_high) = (f(low), f(high));
    root_between(f, (low, at_low), (high, at_high), 1e-14 * low.abs().min(high.abs()))
}

/// The zero through which `f` falls, as a score does at a maximum: to about 1e-14, absolutely, so that the variable is
/// to be a logarithm or of order one. It walks from `start`, up where `f` is positive and down otherwise, by `step`
/// and then twice that and so on, and stops at the `limits`. `None` where `f` keeps its sign or is NaN.
pub fn root_around(f: impl Fn(f64) -> f64, start: f64, step: f64, limits: (f64, f64)) -> Option<f64> {
    let (low, high) = limits;
    let searchable = low <= high && step > 0.0;
    if !searchable {
        return None;
    }
    let start = start.clamp(low, high);
    let mut inner = (start, f(start));
    let upwards = inner.1 > 0.0;
    let end = if upwards { high } else { low };
    let mut step = if upwards { step } else { -step };
    while inner.0 != end && !inner.1.is_nan() {
        let next = (inner.0 + step).clamp(low, high);
        let outer = (next, f(next));
        if upwards != (outer.1 > 0.0) {
            return root_between(f, inner, outer, 1e-14);
        }
        inner = outer;
        step *= 2.0;
    }
    None
}

/// The same by Newton's method, which asks for fewer values: `f` gives its own and that of its derivative. `None` where
/// `start` is too far from a zero for it, which [`root_around`] may still find.
pub fn root_near(f: impl Fn(f64) -> (f64, f64), start: f64, limits: (f64, f64)) -> Option<f64> {
    let mut at = start;
    for _ in 0..NEWTON_STEPS {
        let (value, slope) = f(at);
        let step = -value / slope;
        if slope >= 0.0 || step.is_nan() || step.abs() > 1.0 {
            return None;
        }
        at += step;
        if at < limits.0 || at > limits.1 {
            return None;
        }
        // What is left is of the order of its square.
        if step.abs() < 1e-8 {
            return Some(at);
        }
    }
    None
}

/// As [`root`], from a bracket whose two values are known and to a `tolerance` in the variable.
pub fn root_between(f: impl Fn(f64) -> f64, one: (f64, f64), other: (f64, f64), tolerance: f64) -> Option<f64> {
    if one.1 == 0.0 {
        return Some(one.0);
    }
    if other.1 == 0.0 {
        return Some(other.0);
    }
    if one.1.is_nan() || other.1.is_nan() || (one.1 > 0.0) == (other.1 > 0.0) {
        return None;
    }
    // The solver takes its tolerance as an absolute one, whatever its documentation says.
    let solver = BrentRoot::new(one.0, other.0, tolerance);
    run(Objective { function: f, known: [one, other] }, solver)
}

/// The minimum of `f` between `low` and `high`, by Brent's method (Brent 1973, chapter 5), to about 1e-8 of the
/// bracket: no search on values alone can do better. Where there are several, one of them.
pub fn minimum(f: impl Fn(f64) -> f64, low: f64, high: f64) -> Option<f64> {
    let solver = BrentOpt::new(low, high).set_tolerance(f64::EPSILON.sqrt(), 1e-9 * (high - low).abs());
    run(Objective { function: f, known: [(f64::NAN, f64::NAN); 2] }, solver)
}

/// The density of the standard normal law.
pub fn normal_pdf(x: f64) -> f64 {
    normal_log_pdf(x).exp()
}

/// The logarithm of [`normal_pdf`].
pub fn normal_log_pdf(x: f64) -> f64 {
    -0.5 * x * x - 0.5 * (LN_2 + PI.ln())
}

/// The probability that a standard normal variable is at most `x`.
pub fn normal_cdf(x: f64) -> f64 {
    0.5 * libm::erfc(-x / SQRT_2)
}

/// The probability that a standard normal variable is above `x`.
pub fn normal_sf(x: f64) -> f64 {
    0.5 * libm::erfc(x / SQRT_2)
}

/// The logarithm of [`normal_sf`], also where that underflows.
pub fn normal_log_sf(x: f64) -> f64 {
    if x > NORMAL_SERIES_FROM {
        normal_log_pdf(x) - x.ln() + mills_series(x).ln()
    } else if x < -1.0 {
        (-normal_cdf(x)).ln_1p()
    } else {
        normal_sf(x).ln()
    }
}

/// The hazard of the standard normal law, density over survival: the reciprocal of Mills' ratio.
pub fn normal_hazard(x: f64) -> f64 {
    if x > NORMAL_SERIES_FROM { x / mills_series(x) } else { normal_pdf(x) / normal_sf(x) }
}

/// The value that a standard normal variable does not exceed with probability `p`, for `p` strictly within 0 and 1.
pub fn normal_quantile(p: f64) -> f64 {
    if !(p > 0.0 && p < 1.0) {
        return f64::NAN;
    }
    // In the lower half, where the distribution function keeps its relative precision; 1 − p is exact in the upper.
    let tail = p.min(1.0 - p);
    let start = Normal::standard().inverse_cdf(tail);
    let quantile = start - (normal_cdf(start) - tail) / normal_pdf(start);
    if p > 0.5 { -quantile } else { quantile }
}

/// The derivative of [`ln_gamma`].
pub fn digamma(x: f64) -> f64 {
    statrs::function::gamma::digamma(x)
}

/// The gamma function.
pub fn gamma(x: f64) -> f64 {
    libm::tgamma(x)
}

/// The logarithm of the gamma function's absolute value.
pub fn ln_gamma(x: f64) -> f64 {
    libm::lgamma(x)
}

/// The probability that a chi-squared variable with `dof` degrees of freedom is at most `x`. This and the next three
/// are good to 1e-12 up to a thousand degrees of freedom (or counts), and to 1e-11 at ten thousand.
pub fn chi_squared_cdf(x: f64, dof: f64) -> f64 {
    gamma_lower(0.5 * dof, 0.5 * x)
}

/// The probability that a chi-squared variable with `dof` degrees of freedom is above `x`.
pub fn chi_squared_sf(x: f64, dof: f64) -> f64 {
    gamma_upper(0.5 * dof, 0.5 * x)
}

/// The value that a chi-squared variable with `dof` degrees of freedom does not exceed with probability `p`.
pub fn chi_squared_quantile(p: f64, dof: f64) -> f64 {
    let (true, Ok(law)) = (p > 0.0 && p < 1.0, Gamma::new(0.5 * dof, 1.0)) else {
        return f64::NAN;
    };
    // Near zero the gamma law's quantile has a closed form, and the crate's search stops at 1e-9.
    let near_zero = ((p.ln() + ln_gamma(0.5 * dof + 1.0)) / (0.5 * dof)).exp();
    let start = if near_zero < 1e-6 { near_zero } else { law.inverse_cdf(p) };
    // The crate's own answer has some digits only. The search is on the smaller tail, the one with relative precision.
    let missing = |log: f64| match log.exp() {
        x if p > 0.5 => gamma_upper(0.5 * dof, x) - (1.0 - p),
        x => p - gamma_lower(0.5 * dof, x),
    };
    2.0 * root_around(missing, start.ln(), 1e-6, (-700.0, 700.0)).map_or(start, f64::exp)
}

/// The probability that a Poisson variable with this mean is at most `count`.
pub fn poisson_cdf(count: u64, mean: f64) -> f64 {
    gamma_upper(count as f64 + 1.0, mean)
}

/// The regularised lower incomplete gamma function.
fn gamma_lower(shape: f64, x: f64) -> f64 {
    if x == 0.0 { 0.0 } else { checked_gamma_lr(shape, x).unwrap_or(f64::NAN) }
}

/// The regularised upper incomplete gamma function.
fn gamma_upper(shape: f64, x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { checked_gamma_ur(shape, x).unwrap_or(f64::NAN) }
}

/// Mills' ratio times `x`: its asymptotic series (Abramowitz & Stegun 1964, 26.2.12).
fn mills_series(x: f64) -> f64 {
    let t = (x * x).recip();
    1.0 - t * (1.0 - 3.0 * t * (1.0 - 5.0 * t * (1.0 - 7.0 * t * (1.0 - 9.0 * t))))
}

/// A function of one variable as the solvers take it, with the values that are known beforehand.
struct Objective<F> {
    function: F,
    known: [(f64, f64); 2],
}

impl<F: Fn(f64) -> f64> CostFunction for Objective<F> {
    type Param = f64;
    type Output = f64;

    fn cost(&self, x: &f64) -> Result<f64, Error> {
        let known = self.known.iter().find(|(at, _)| at == x).map(|(_, value)| *value);
        let value = known.unwrap_or_else(|| (self.function)(*x));
        if value.is_nan() {
            return Err(Error::msg("the function is not a number"));
        }
        // The solver interpolates between values, which infinite ones would not allow.
        Ok(value.clamp(-1e150, 1e150))
    }
}

/// Where the solver converged to.
fn run<F, S>(objective: Objective<F>, solver: S) -> Option<f64>
where
    F: Fn(f64) -> f64,
    S: Solver<Objective<F>, argmin::core::IterState<f64, (), (), (), (), f64>>,
{
    let executor = Executor::new(objective, solver).configure(|state| state.max_iters(ITERATIONS_MAX));
    let result = executor.ctrlc(false).timer(false).run().ok()?;
    let converged = TerminationStatus::Terminated(TerminationReason::SolverConverged);
    let state = result.state;
    if *state.get_termination_status() != converged {
        return None;
    }
    state.get_best_param().copied().filter(|x| x.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn near(found: f64, expected: f64, relative: f64) {
        assert!((found - expected).abs() <= relative * expected.abs(), "{found:e} instead of {expected:e}");
    }

    #[test]
    fn a_root_is_found_to_the_last_digits() {
        near(root(|x| x * x - 2.0, 0.0, 5.0).unwrap(), 2_f64.sqrt(), 1e-15);
        near(root(|x| 1e-200 * (x.ln() - 3.0), 1e-3, 1e6).unwrap(), 3_f64.exp(), 1e-13);
        near(root(|x| if x < 2.0 { f64::NEG_INFINITY } else { x - 3.0 }, 1.0, 9.0).unwrap(), 3.0, 1e-14);
        assert_eq!(root(|x| x, 0.0, 5.0), Some(0.0));
    }

    #[test]
    fn without_a_change_of_sign_there_is_no_root() {
        assert_eq!(root(|x| x * x + 1.0, -3.0, 5.0), None);
        assert_eq!(root(|_| f64::NAN, -3.0, 5.0), None);
        assert_eq!(root(|x| if x > 1.0 { f64::NAN } else { x - 0.9 }, -3.0, 1.1), None);
        assert_eq!(root_around(|_| 1.0, 0.0, 0.1, (-5.0, 5.0)), None);
        assert_eq!(root_around(|_| -1.0, 0.0, 0.1, (-5.0, 5.0)), None);
        assert_eq!(root_around(|_| f64::NAN, 0.0, 0.1, (-5.0, 5.0)), None);
    }

    #[test]
    fn newtons_method_gives_up_where_it_would_wander() {
        let cube = |x: f64| (8.0 - x * x * x, -3.0 * x * x);
        near(root_near(cube, 2.4, (0.0, 5.0)).unwrap(), 2.0, 1e-14);
        assert_eq!(root_near(cube, 2.4, (2.1, 5.0)), None, "beyond the limits");
        assert_eq!(root_near(cube, 0.1, (0.0, 5.0)), None, "too far");
        assert_eq!(root_near(|x| (x - 1.0, 1.0), 1.5, (0.0, 5.0)), None, "it rises");
        assert_eq!(root_near(|_| (f64::NAN, -1.0), 1.5, (0.0, 5.0)), None);
    }

    #[test]
    fn a_falling_zero_is_found_from_either_side() {
        for start in [-40.0, 0.0, 3.0, 40.0] {
            near(root_around(|x| 3.0 - x, start, 0.1, (-50.0, 50.0)).unwrap(), 3.0, 1e-14);
        }
        assert_eq!(root_around(|x| 3.0 - x, 0.0, 0.1, (-50.0, 2.0)), None);
        assert_eq!(root_around(|x| 3.0 - x, 0.0, 0.1, (5.0, 2.0)), None);
        assert_eq!(root_around(|x| 3.0 - x, 0.0, 0.0, (0.0, 9.0)), None);
        assert_eq!(root_around(|x| 3.0 - x, 0.0, 0.1, (f64::NAN, 9.0)), None);
    }

    #[test]
    fn a_minimum_is_found() {
        near(minimum(|x| (x - 3.0).powi(2) + 1.0, 0.0, 50.0).unwrap(), 3.0, 1e-7);
    }

    /// Expected: mpmath 1.4 with 40 digits, as in the tests below.
    #[test]
    fn the_normal_law_keeps_its_precision_into_the_tails() {
        near(normal_cdf(-5.0), 2.866515718791939e-07, 1e-14);
        near(normal_sf(20.0), 2.7536241186062337e-89, 1e-13);
        near(normal_log_sf(20.0), -203.91715537109727, 1e-14);
        near(normal_log_sf(100.0), -5005.524208694205, 1e-14);
        near(normal_log_sf(-5.0), -2.866516129637636e-07, 1e-14);
        near(normal_hazard(29.9), 29.933370411296167, 1e-13);
        near(normal_hazard(30.1), 30.133149654578453, 1e-13);
        near(normal_hazard(-3.0), 0.004437839042125664, 1e-13);
        for p in [1e-10, 1e-3, 0.025, 0.3, 0.5, 0.9, 0.975, 1.0 - 1e-10] {
            near(normal_cdf(normal_quantile(p)), p, 1e-14);
        }
        near(normal_quantile(0.975), 1.959_963_984_540_054, 1e-15);
        near(normal_quantile(1e-10), -6.361_340_902_404_056, 1e-14);
        assert!([0.0, 1.0, -1.0, 2.0, f64::NAN].into_iter().all(|p| normal_quantile(p).is_nan()));
    }

    #[test]
    fn the_chi_squared_and_poisson_laws_agree_with_mpmath() {
        near(chi_squared_quantile(0.95, 1.0), 3.8414588206941245, 1e-12);
        near(chi_squared_quantile(0.025, 6.0), 1.2373442457912025, 1e-12);
        near(chi_squared_quantile(0.975, 8.0), 17.53454613948465, 1e-12);
        near(chi_squared_quantile(1e-10, 1.0), 1.5707963267948968e-20, 1e-12);
        near(chi_squared_quantile(1e-10, 26.0), 2.0764916370809674, 1e-12);
        near(chi_squared_quantile(1.0 - 1e-10, 3.0), 49.542155758766434, 1e-12);
        near(chi_squared_quantile(0.5, 1000.0), 999.333412403381, 1e-12);
        near(chi_squared_sf(3.0, 1.0), 0.0832645166635504, 1e-12);
        near(chi_squared_sf(60.0, 8.0), 4.661032000779291e-10, 1e-12);
        near(chi_squared_sf(900.0, 1000.0), 0.9892827619087102, 1e-12);
        near(chi_squared_cdf(0.001, 3.0), 8.40791905804616e-06, 1e-12);
        near(chi_squared_cdf(5.0, 8.0), 0.24242386686693404, 1e-12);
        near(poisson_cdf(0, 3.0), 0.049787068367863944, 1e-12);
        near(poisson_cdf(3, 22.0), 5.689585086754983e-07, 1e-12);
        near(poisson_cdf(500, 480.0), 0.8255445976928061, 1e-12);
        assert!(chi_squared_quantile(1.0, 2.0).is_nan() && chi_squared_quantile(0.5, -1.0).is_nan());
        assert_eq!((chi_squared_sf(0.0, 2.0), poisson_cdf(3, 0.0)), (1.0, 1.0));
    }

    #[test]
    fn the_gamma_function_agrees_with_mpmath() {
        near(gamma(0.1), 9.51350769866873, 1e-14);
        near(ln_gamma(0.1), 2.252712651734206, 1e-13);
        near(digamma(0.1), -10.423754940411076, 1e-13);
        near(gamma(1.5), 0.886226925452758, 1e-14);
        near(ln_gamma(1.5), -0.12078223763524522, 1e-13);
        near(digamma(1.5), 0.03648997397857652, 1e-13);
        near(gamma(10.5), 1133278.3889487856, 1e-14);
        near(ln_gamma(10.5), 13.940625219403763, 1e-13);
        near(digamma(10.5), 2.3030010342976865, 1e-13);
        near(gamma(150.3), 1.7112969992195767e+261, 1e-14);
        near(ln_gamma(150.3), 601.5119608335364, 1e-13);
        near(digamma(150.3), 5.0093029278686565, 1e-13);
    }
}
