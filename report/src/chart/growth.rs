//! Failures against age on logarithmic axes, on which a power law (Crow-AMSAA) is straight.

use maud::Markup;

use super::Step;
use super::colour;
use super::plot::{Mark, Marker, Plot, Shape, Size};
use super::scale::Axis;

const POINTS_MAX: usize = 120;

/// `steps` are ages with the mean failures of one aircraft up to there and the bounds; `law` is scale and shape of the
/// power law; `until` is the greatest age watched.
pub fn growth(title: &str, steps: &[Step], law: Option<(f64, f64)>, until: f64, size: Size) -> Markup {
    let positive = || steps.iter().filter(|(age, mean, _)| *age > 0.0 && *mean > 0.0);
    let first = positive().map(|(age, ..)| *age).fold(until, f64::min).max(until / 1000.0);
    let least = positive().map(|(_, mean, _)| *mean).fold(f64::INFINITY, f64::min);
    let most = positive().map(|(_, mean, bounds)| bounds.map_or(*mean, |bounds| bounds.1)).fold(0.0, f64::max);
    let x = Axis::log("flight hours of an aircraft (logarithmic)", first, until);
    let y = Axis::log("failures per aircraft", if least.is_finite() { least } else { 0.1 }, most.max(0.2));
    let band = positive().filter_map(|(age, _, bounds)| bounds.map(|(lower, upper)| (*age, lower, upper))).collect();
    let points: Vec<(f64, f64)> = positive().map(|(age, mean, _)| (*age, *mean)).collect();
    let every = points.len().div_ceil(POINTS_MAX).max(1);
    let total = points.last().map(|(_, mean)| *mean);
    let mut marks = vec![Mark::new(Shape::Band(band), colour::BLUE).named("95 %")];
    if let Some(total) = total {
        let line = [first, until].map(|age| (age, total * age / until)).to_vec();
        marks.push(Mark::new(Shape::Line(line), colour::GREY).dashed("2 3").named("no trend"));
    }
    if let Some((scale, shape)) = law {
        let at = |place: u32| first * (until / first).powf(f64::from(place) / 40.0);
        let line = (0..=40).map(|place| (at(place), scale * at(place).powf(shape))).collect();
        marks.push(Mark::new(Shape::Line(line), colour::VERMILLION).dashed("6 3").named("power law"));
    }
    marks.push(
        Mark::new(Shape::Points(points.into_iter().step_by(every).collect(), Marker::Ring), colour::BLUE)
            .named("failures"),
    );
    Plot { title: title.to_owned(), size, x, y, marks }.draw()
}
