//! Bounds and standard errors of estimates: the two ways of [`Bounds`](super::Bounds), for any law.
//!
//! It owns the normal approximation, the search along a profile likelihood and the inversion of an information matrix.
//! It never evaluates a likelihood: a law gives it the information or the profile.

use super::{Estimate, Options};
use crate::estimation::numeric::root_around;

/// A profile that has not fallen far enough this many widths away, on a scale without ends, has no bound there.
const WIDTHS_MAX: f64 = 1e4;

impl Estimate {
    /// A figure on its own scale, with bounds at as many standard errors as the confidence asks.
    pub(super) fn plain(value: f64, standard_error: f64, options: &Options) -> Self {
        let half = options.deviations() * standard_error;
        Self::finite(value, standard_error, value - half, value + half)
    }

    /// A positive figure from its logarithm and that logarithm's standard error.
    pub(super) fn positive(log: f64, log_error: f64, options: &Options) -> Self {
        let (value, half) = (log.exp(), options.deviations() * log_error);
        Self::finite(value, value * log_error, (log - half).exp(), (log + half).exp())
    }

    /// The same figure with other bounds.
    pub(super) fn within(self, (lower, upper): (Option<f64>, Option<f64>)) -> Self {
        let finite = |bound: Option<f64>| bound.filter(|bound| bound.is_finite());
        Self { lower: finite(lower), upper: finite(upper), ..self }
    }

    /// With everything left out that is not a finite number; an estimate that is not has no bounds either.
    pub(super) fn finite(value: f64, standard_error: f64, lower: f64, upper: f64) -> Self {
        if !value.is_finite() {
            return Self::default();
        }
        let finite = |figure: f64| Some(figure).filter(|figure| figure.is_finite());
        let (standard_error, lower, upper) = (finite(standard_error), finite(lower), finite(upper));
        Self { value: Some(value), standard_error, lower, upper }
    }
}

/// Where the profile likelihood of a parameter has fallen as far as the confidence allows, on either side of
/// `estimate`: `None` where it does not within `limits`.
///
/// `log_likelihood` gives the maximum over the other parameters; its value at `estimate` is `maximum`. `width`, mostly
/// a standard error, is the length of the first step. The scale is the parameter's logarithm, or of order one.
pub(super) fn profile(
    log_likelihood: impl Fn(f64) -> f64,
    (estimate, maximum): (f64, f64),
    width: f64,
    limits: (f64, f64),
    options: &Options,
) -> (Option<f64>, Option<f64>) {
    let fall = options.fall();
    let step = options.deviations() * width;
    let spare = |distance: f64| {
        if distance == 0.0 { fall } else { fall - (maximum - log_likelihood(estimate + distance)) }
    };
    let (low, high) = (limits.0 - estimate, limits.1 - estimate);
    let reach = WIDTHS_MAX * step;
    let below = root_around(|distance| spare(-distance), 0.0, step, (0.0, reach.min(-low)));
    let above = root_around(spare, 0.0, step, (0.0, reach.min(high)));
    (below.map(|distance| estimate - distance), above.map(|distance| estimate + distance))
}

/// The bounds of a positive parameter from those of its logarithm.
pub(super) fn exponentials((lower, upper): (Option<f64>, Option<f64>)) -> (Option<f64>, Option<f64>) {
    (lower.map(f64::exp), upper.map(f64::exp))
}

/// The inverse of an observed information, which is the estimates' covariance: `None` where the information is not
/// positive definite, as it is at a proper maximum. By Cholesky's factors, of the matrix scaled to a diagonal of ones.
pub(super) fn covariance<const N: usize>(information: [[f64; N]; N]) -> Option<[[f64; N]; N]> {
    let scales: [f64; N] = std::array::from_fn(|row| information[row][row].sqrt().recip());
    // The inverse of the lower factor is built row by row beside the factor.
    let mut factor = [[0.0; N]; N];
    let mut inverse = [[0.0; N]; N];
    for row in 0..N {
        for column in 0..=row {
            let product: f64 = (0..column).map(|k| factor[row][k] * factor[column][k]).sum();
            let rest = information[row][column] * scales[row] * scales[column] - product;
            factor[row][column] = if row == column { rest.sqrt() } else { rest / factor[column][column] };
        }
        // Also where it is NaN: a matrix that is singular to within its rounding determines nothing.
        if !(factor[row][row] > 1e-7 && factor[row][row].is_finite()) {
            return None;
        }
        let mut next = [0.0; N];
        for (column, entry) in next.iter_mut().enumerate().take(row + 1) {
            let product: f64 = (column..row).map(|k| factor[row][k] * inverse[k][column]).sum();
            let unit = if row == column { 1.0 } else { 0.0 };
            *entry = (unit - product) / factor[row][row];
        }
        inverse[row] = next;
    }
    let entry = |row: usize, column: usize| {
        let product: f64 = (0..N).map(|k| inverse[k][row] * inverse[k][column]).sum();
        product * scales[row] * scales[column]
    };
    Some(std::array::from_fn(|row| std::array::from_fn(|column| entry(row, column))))
}

/// The standard error of a function with this gradient (the delta method: Meeker & Escobar 1998, appendix B.2).
pub(super) fn delta<const N: usize>(gradient: [f64; N], covariance: &[[f64; N]; N]) -> f64 {
    let entries = (0..N).flat_map(|row| (0..N).map(move |column| (row, column)));
    entries.map(|(row, column)| gradient[row] * covariance[row][column] * gradient[column]).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_covariance_is_the_inverse_of_the_information() {
        let information = [[4.0, 2.0, 1.0], [2.0, 3e6, 5.0], [1.0, 5.0, 6e-3]];
        assert_eq!(covariance(information), None);
        let information = [[4.0, 2.0, 0.1], [2.0, 3e6, 5.0], [0.1, 5.0, 6e-3]];
        let inverse = covariance(information).unwrap();
        for (row, column) in [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (2, 2)] {
            let product: f64 = (0..3).map(|k| information[row][k] * inverse[k][column]).sum();
            let unit = if row == column { 1.0 } else { 0.0 };
            assert!((product - unit).abs() < 1e-9, "{product}");
        }
    }

    #[test]
    fn what_is_not_positive_definite_has_no_covariance() {
        assert_eq!(covariance([[1.0, 2.0], [2.0, 1.0]]), None);
        assert_eq!(covariance([[-1.0, 0.0], [0.0, 1.0]]), None);
        assert_eq!(covariance([[1.0, 1.0], [1.0, 1.0]]), None);
        assert_eq!(covariance([[f64::NAN, 0.0], [0.0, 1.0]]), None);
        assert_eq!(covariance([[f64::INFINITY, 0.0], [0.0, 1.0]]), None);
    }

    /// Of log L = −x²/2 the bounds are where Wald's are.
    #[test]
    fn a_quadratic_profile_has_walds_bounds() {
        let options = Options::default();
        let (lower, upper) = profile(|x| -0.5 * x * x, (0.0, 0.0), 1.0, (-1e9, 1e9), &options);
        let expected = 1.959_963_984_540_054;
        assert!((lower.unwrap() + expected).abs() < 1e-12 && (upper.unwrap() - expected).abs() < 1e-12);
        let (lower, upper) = profile(|x| -0.5 * x * x, (0.0, 0.0), 1.0, (-1.0, 1e9), &options);
        assert!(lower.is_none() && upper.is_some());
    }
}
