//! Weibull paper: plotting positions, their bounds, and the fitted law, which is straight there.

use maud::Markup;

use super::colour;
use super::plot::{Mark, Marker, Plot, Shape, Size};
use super::scale::Axis;
use super::survival::Curve;

/// More points than this lie on each other; each of so many is then left out.
const POINTS_MAX: usize = 150;

/// `points` are ages with the share failed that is plotted there, `bounds` ages with a lower and an upper share.
pub fn probability(
    title: &str,
    points: &[(f64, f64)],
    bounds: &[(f64, f64, f64)],
    law: Option<Curve<'_>>,
    size: Size,
) -> Markup {
    let ages = || points.iter().map(|(age, _)| *age).filter(|age| *age > 0.0);
    let (first, last) = (ages().fold(f64::INFINITY, f64::min), ages().fold(0.0, f64::max));
    let least = points.iter().map(|(_, failed)| *failed).fold(0.5, f64::min);
    let most = points.iter().map(|(_, failed)| *failed).filter(|failed| *failed < 1.0).fold(0.5, f64::max);
    let x = Axis::log("flight hours since installation (logarithmic)", first.min(last), last.max(1.0));
    let y = Axis::weibull("failed, % (Weibull paper)", least * 0.8, most.max(0.632));
    let every = points.len().div_ceil(POINTS_MAX).max(1);
    let shown = points.iter().copied().step_by(every).collect();
    let mut marks = vec![
        Mark::new(Shape::Band(bounds.to_vec()), colour::BLUE).named("95 % bounds"),
        Mark::new(Shape::Points(shown, Marker::Ring), colour::BLUE).named(match every {
            1 => "failures".to_owned(),
            every => format!("failures (1 in {every})"),
        }),
    ];
    if let Some((name, law)) = law {
        let (from, to) = x.ends();
        let at = |place: u32| from * (to / from).powf(f64::from(place) / 60.0);
        let (low, high) = y.ends();
        let line = (0..=60).map(|place| (at(place), 1.0 - law(at(place))));
        let line = line.filter(|(_, failed)| (low..=high).contains(failed)).collect();
        marks.push(Mark::new(Shape::Line(line), colour::VERMILLION).dashed("6 3").named(name));
    }
    Plot { title: title.to_owned(), size, x, y, marks }.draw()
}
