//! How well a fitted law describes its sample.
//!
//! It owns the probability plot and its correlation. It never fits: it takes a law with its parameters.

use super::Curve;
use crate::estimation::numeric::normal_quantile;
use crate::estimation::sample::Lives;

/// Two points always lie on a line.
const POINTS_MIN: usize = 3;

/// A point of the probability plot: an age at which something failed, and the share failed that is plotted there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub age: f64,
    pub failed: f64,
}

/// The points of the probability plot: at each age with failures, halfway up the step of the product-limit estimate,
/// 1 − (S(t−) + S(t)) / 2 (Meeker & Escobar 1998, section 6.4.1). A life counts among those at risk from just after its
/// entry to its exit. Ages rise. Sorts a copy of the sample; empty for a sample with a flaw.
pub fn plot(lives: &Lives) -> Vec<Point> {
    if lives.flaw().is_some() {
        return Vec::new();
    }
    let mut exits: Vec<(f64, bool)> = lives.iter().map(|(exit, observed, _)| (exit, observed)).collect();
    exits.sort_unstable_by(|one, other| one.0.total_cmp(&other.0));
    let mut entries: Vec<f64> = lives.iter().map(|(_, _, entry)| entry).filter(|entry| *entry > 0.0).collect();
    entries.sort_unstable_by(f64::total_cmp);
    let mut waiting = entries.into_iter().peekable();
    let mut at_risk = (lives.len() - waiting.len()) as f64;
    let mut survival = 1.0;
    let mut points = Vec::new();
    for same_age in exits.chunk_by(|one, other| one.0 == other.0) {
        let age = same_age[0].0;
        while waiting.next_if(|entry| *entry < age).is_some() {
            at_risk += 1.0;
        }
        let failures = same_age.iter().filter(|(_, observed)| *observed).count() as f64;
        if failures > 0.0 {
            let next = survival * (1.0 - failures / at_risk);
            points.push(Point { age, failed: 1.0 - 0.5 * (survival + next) });
            survival = next;
        }
        at_risk -= same_age.len() as f64;
    }
    points
}

/// The correlation coefficient of the points of [`plot`] on the scales on which the law is a straight line: the
/// logarithm of the age (above the location) against that of the cumulative hazard for Weibull laws, against the normal
/// quantile for the lognormal law, and the age against the cumulative hazard for the exponential one (Filliben 1975;
/// Meeker & Escobar 1998, section 6.2). Each age counts once, however many failed there.
///
/// One is a perfect fit. `None` with fewer than three points to plot.
pub fn correlation(lives: &Lives, curve: &Curve) -> Option<f64> {
    let straight = |point: Point| {
        let hazard = -(-point.failed).ln_1p();
        match *curve {
            Curve::Exponential { .. } => (point.age, hazard),
            Curve::Weibull { location, .. } => ((point.age - location).ln(), hazard.ln()),
            Curve::Lognormal { .. } => (point.age.ln(), normal_quantile(point.failed)),
        }
    };
    let points = plot(lives).into_iter().map(straight);
    // After the last unit at risk has failed, as may happen early under truncation, no law has a scale for the rest.
    let points: Vec<(f64, f64)> = points.filter(|(x, y)| x.is_finite() && y.is_finite()).collect();
    if points.len() < POINTS_MIN {
        return None;
    }
    let count = points.len() as f64;
    let (x_sum, y_sum) = points.iter().fold((0.0, 0.0), |sums, (x, y)| (sums.0 + x, sums.1 + y));
    let (x_mean, y_mean) = (x_sum / count, y_sum / count);
    let (mut both, mut xs, mut ys) = (0.0, 0.0, 0.0);
    for (x, y) in points {
        let (x, y) = (x - x_mean, y - y_mean);
        both += x * y;
        xs += x * x;
        ys += y * y;
    }
    // Rounding can carry a perfect line past one.
    let correlation = (both / (xs.sqrt() * ys.sqrt())).clamp(-1.0, 1.0);
    Some(correlation).filter(|correlation| correlation.is_finite())
}
