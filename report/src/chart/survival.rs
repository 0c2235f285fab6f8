//! Survival by age: steps with their bounds, and a law over them.

use maud::Markup;

use super::Step;
use super::colour;
use super::plot::{Mark, Marker, Plot, Shape, Size};
use super::scale::Axis;

/// A law's survival at an age.
pub type Curve<'a> = (&'a str, &'a dyn Fn(f64) -> f64);

/// Each step: hours, survival from there on, its bounds where known. `until` is the greatest age seen.
pub fn survival(title: &str, steps: &[Step], law: Option<Curve<'_>>, until: f64, size: Size) -> Markup {
    let x = Axis::linear("flight hours since installation", 0.0, until, 5);
    let y = Axis::linear("share of units surviving", 0.0, 1.0, 5);
    let mut line = vec![(0.0, 1.0)];
    let mut band = Vec::new();
    for (place, (hours, survival, bounds)) in steps.iter().enumerate() {
        line.extend([(*hours, line[line.len() - 1].1), (*hours, *survival)]);
        let next = steps.get(place + 1).map_or(until, |step| step.0);
        if let Some((lower, upper)) = bounds {
            band.extend([(*hours, *lower, *upper), (next, *lower, *upper)]);
        }
    }
    line.push((until, line[line.len() - 1].1));
    let mut marks = vec![
        Mark::new(Shape::Band(band), colour::BLUE).named("95 % bounds"),
        Mark::new(Shape::Line(line), colour::BLUE).named("Kaplan-Meier"),
    ];
    if let Some((name, law)) = law {
        let at = |place: u32| f64::from(place) * until / 100.0;
        let points = (0..=100).map(|place| (at(place), law(at(place)))).collect();
        marks.push(Mark::new(Shape::Line(points), colour::VERMILLION).dashed("6 3").named(name));
    }
    if steps.len() <= 12 {
        let points = steps.iter().map(|(hours, survival, _)| (*hours, *survival)).collect();
        marks.push(Mark::new(Shape::Points(points, Marker::Dot), colour::BLUE));
    }
    Plot { title: title.to_owned(), size, x, y, marks }.draw()
}
