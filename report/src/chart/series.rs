//! Figures by month: lines with bounds and levels, and upright columns.

use chrono::NaiveDate;
use maud::Markup;

use super::Bounds;
use super::colour;
use super::plot::{Mark, Marker, Plot, Shape, Size};
use super::scale::Axis;

/// A line over months; a month without a value interrupts it.
#[derive(Clone, Debug)]
pub struct Series {
    pub name: Option<String>,
    pub values: Vec<Option<f64>>,
    pub colour: &'static str,
    pub dash: &'static str,
    pub marker: Option<Marker>,
}

/// Lines over the same months, the `bounds` as a band behind them. The axis starts at 0 if `from_zero`.
pub fn monthly(
    title: &str,
    label: &str,
    months: &[NaiveDate],
    bounds: Option<(&str, Vec<Option<Bounds>>)>,
    lines: &[Series],
    from_zero: bool,
    size: Size,
) -> Markup {
    let mut marks = Vec::new();
    let mut all: Vec<f64> = lines.iter().flat_map(|line| line.values.iter().flatten().copied()).collect();
    if let Some((name, bounds)) = bounds {
        all.extend(bounds.iter().flatten().flat_map(|(lower, upper)| [*lower, *upper]));
        let whiskers = bounds.iter().enumerate().filter_map(|(place, bounds)| Some((place, (*bounds)?)));
        let mut named = Some(name);
        for (place, (lower, upper)) in whiskers {
            let at = place as f64;
            let mark = Mark::new(Shape::Band(vec![(at - 0.28, lower, upper), (at + 0.28, lower, upper)]), colour::BLUE);
            marks.push(match named.take() {
                Some(name) => mark.named(name),
                None => mark,
            });
        }
    }
    for line in lines {
        marks.extend(runs(line));
    }
    let least = if from_zero { 0.0 } else { all.iter().copied().fold(f64::INFINITY, f64::min) };
    let most = all.iter().copied().fold(least, f64::max);
    let wanted = if size.height < 150.0 { 3 } else { 5 };
    let y = Axis::linear(label, if least.is_finite() { least } else { 0.0 }, most, wanted);
    let x = Axis::months(months, if size.width < 300.0 { 4 } else { 13 });
    Plot { title: title.to_owned(), size, x, y, marks }.draw()
}

/// A line as marks: each stretch of months with values, and the markers on it.
fn runs(line: &Series) -> Vec<Mark> {
    let mut marks = Vec::new();
    let values: Vec<(usize, Option<f64>)> = line.values.iter().copied().enumerate().collect();
    let mut name = line.name.clone();
    let mut all = Vec::new();
    for run in values.split(|(_, value)| value.is_none()).filter(|run| !run.is_empty()) {
        let points: Vec<(f64, f64)> =
            run.iter().filter_map(|(place, value)| Some((*place as f64, (*value)?))).collect();
        all.extend(points.iter().copied());
        let mut mark = Mark::new(Shape::Line(points), line.colour).dashed(line.dash);
        if line.marker.is_none() {
            mark.legend = name.take();
        }
        marks.push(mark);
    }
    if let Some(marker) = line.marker {
        let mut mark = Mark::new(Shape::Points(all, marker), line.colour);
        mark.legend = name;
        marks.push(mark);
    }
    marks
}

/// Upright columns by place, of which some are named.
pub fn columns(title: &str, label: &str, x: Axis, values: &[(f64, f64)], fill: &'static str, size: Size) -> Markup {
    let most = values.iter().map(|(_, value)| *value).fold(0.0, f64::max);
    let marks = vec![Mark::new(Shape::Columns(values.to_vec(), 0.8), fill)];
    let y = Axis::linear(label, 0.0, most.max(1.0), 4);
    Plot { title: title.to_owned(), size, x, y, marks }.draw()
}
