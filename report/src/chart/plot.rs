//! A chart on two axes: bands, lines, points and columns in a frame with its legend.

use maud::{Markup, html};

use super::scale::Axis;
use super::text_width;

/// Width and height of a chart, in units of its SVG.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub width: f64,
    pub height: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marker {
    Dot,
    Ring,
    Square,
}

/// What is drawn, in the units of the axes.
#[derive(Clone, Debug)]
pub enum Shape {
    Line(Vec<(f64, f64)>),
    /// From a lower to an upper value at each place.
    Band(Vec<(f64, f64, f64)>),
    Points(Vec<(f64, f64)>, Marker),
    /// Upright bars of this share of a unit's width.
    Columns(Vec<(f64, f64)>, f64),
}

/// A shape with its looks and its words in the legend.
#[derive(Clone, Debug)]
pub struct Mark {
    pub shape: Shape,
    pub colour: &'static str,
    pub dash: &'static str,
    pub width: f64,
    pub legend: Option<String>,
}

impl Mark {
    pub fn new(shape: Shape, colour: &'static str) -> Self {
        Self { shape, colour, dash: "", width: 1.8, legend: None }
    }

    pub fn dashed(mut self, dash: &'static str) -> Self {
        self.dash = dash;
        self
    }

    pub fn named(mut self, legend: impl Into<String>) -> Self {
        self.legend = Some(legend.into());
        self
    }
}

/// A chart that is ready to be drawn. `title` is for those who hear it, and for its tip.
#[derive(Clone, Debug)]
pub struct Plot {
    pub title: String,
    pub size: Size,
    pub x: Axis,
    pub y: Axis,
    pub marks: Vec<Mark>,
}

const LINE_HEIGHT: f64 = 15.0;

/// The part of a chart within its axes.
struct Frame {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

impl Plot {
    pub fn draw(&self) -> Markup {
        let Size { width, height } = self.size;
        let legend = legend_rows(&self.marks, width);
        let widest = self.y.ticks.iter().map(|tick| text_width(&tick.text)).fold(0.0, f64::max);
        let left = widest + if self.y.label.is_empty() { 8.0 } else { 26.0 };
        let top = 8.0 + LINE_HEIGHT * legend.len() as f64;
        let bottom = if self.x.label.is_empty() { 22.0 } else { 38.0 };
        let right = 4.0 + self.x.ticks.last().map_or(8.0, |tick| text_width(&tick.text) / 2.0);
        let frame = Frame { left, top, width: width - left - right, height: height - top - bottom };
        html! {
            svg class="chart" role="img" viewBox=(format!("0 0 {width} {height}")) width=(width) height=(height) {
                title { (self.title) }
                (legend_markup(&legend))
                (self.grid(&frame))
                svg x=(short(frame.left)) y=(short(frame.top)) width=(short(frame.width)) height=(short(frame.height)) {
                    @for mark in &self.marks { (self.shape(mark, &frame)) }
                }
                (self.labels(&frame))
            }
        }
    }

    fn grid(&self, frame: &Frame) -> Markup {
        let (right, base) = (frame.left + frame.width, frame.top + frame.height);
        let named = |axis: &Axis| {
            let placed = axis.ticks.iter().filter_map(|tick| Some((axis.place(tick.value)?, tick.text.clone())));
            placed.collect::<Vec<_>>()
        };
        html! {
            @for (place, text) in named(&self.y) {
                @let y = short(base - place * frame.height);
                line class="grid" x1=(short(frame.left)) x2=(short(right)) y1=(y) y2=(y) {}
                text x=(short(frame.left - 5.0)) y=(y) dy="0.35em" text-anchor="end" { (text) }
            }
            @for (place, text) in spaced(named(&self.x), frame.width) {
                @let x = short(frame.left + place * frame.width);
                line class="grid" x1=(x) x2=(x) y1=(short(frame.top)) y2=(short(base)) {}
                text x=(x) y=(short(base + 14.0)) text-anchor="middle" { (text) }
            }
            rect class="frame" x=(short(frame.left)) y=(short(frame.top)) width=(short(frame.width)) height=(short(frame.height)) {}
        }
    }

    fn labels(&self, frame: &Frame) -> Markup {
        let middle = frame.top + frame.height / 2.0;
        html! {
            @if !self.x.label.is_empty() {
                text x=(short(frame.left + frame.width / 2.0)) y=(short(self.size.height - 5.0)) text-anchor="middle" { (self.x.label) }
            }
            @if !self.y.label.is_empty() {
                text x="11" y=(short(middle)) transform=(format!("rotate(-90 11 {})", short(middle))) text-anchor="middle" { (self.y.label) }
            }
        }
    }

    fn shape(&self, mark: &Mark, frame: &Frame) -> Markup {
        let x = |value: f64| self.x.place_within(value) * frame.width;
        let y = |value: f64| (1.0 - self.y.place_within(value)) * frame.height;
        match &mark.shape {
            Shape::Line(points) => {
                let path = path(self.within(points).map(|(a, b)| (x(a), y(b))));
                html! { path d=(path) fill="none" stroke=(mark.colour) stroke-width=(mark.width) stroke-dasharray=[dash(mark)] stroke-linejoin="round" {} }
            }
            Shape::Band(edges) => {
                let upper = edges.iter().map(|(at, _, upper)| (x(*at), y(*upper)));
                let lower = edges.iter().rev().map(|(at, lower, _)| (x(*at), y(*lower)));
                html! { path d=(format!("{}Z", path(upper.chain(lower)))) fill=(mark.colour) fill-opacity="0.22" stroke="none" {} }
            }
            Shape::Points(points, marker) => html! {
                @for (a, b) in self.within(points) { (drawn(*marker, x(a), y(b), mark.colour)) }
            },
            Shape::Columns(points, share) => html! {
                @for (at, value) in points {
                    @let (left, right) = (x(at - share / 2.0), x(at + share / 2.0));
                    @let top = y(*value);
                    rect x=(short(left)) y=(short(top)) width=(short(right - left)) height=(short(frame.height - top)) fill=(mark.colour) {}
                }
            },
        }
    }

    /// The points that have a place on both axes.
    fn within<'a>(&'a self, points: &'a [(f64, f64)]) -> impl Iterator<Item = (f64, f64)> + 'a {
        points.iter().copied().filter(|(a, b)| self.x.place(*a).is_some() && self.y.place(*b).is_some())
    }
}

/// Leaves out names that would touch the one before.
fn spaced(named: Vec<(f64, String)>, width: f64) -> Vec<(f64, String)> {
    let mut kept: Vec<(f64, String)> = Vec::new();
    for (place, text) in named.into_iter().rev() {
        let free = kept
            .last()
            .is_none_or(|(after, other)| (after - place) * width > (text_width(other) + text_width(&text)) / 2.0 + 5.0);
        if free {
            kept.push((place, text));
        }
    }
    kept
}

fn dash(mark: &Mark) -> Option<&'static str> {
    (!mark.dash.is_empty()).then_some(mark.dash)
}

fn path(points: impl Iterator<Item = (f64, f64)>) -> String {
    let mut text = String::new();
    for (place, (x, y)) in points.enumerate() {
        text.push(if place == 0 { 'M' } else { 'L' });
        text.push_str(&format!("{} {}", short(x), short(y)));
    }
    text
}

/// A length with one decimal.
pub(super) fn short(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

pub(super) fn drawn(marker: Marker, x: f64, y: f64, colour: &str) -> Markup {
    let (left, top) = (short(x - 3.2), short(y - 3.2));
    html! {
        @match marker {
            Marker::Dot => circle cx=(short(x)) cy=(short(y)) r="3" fill=(colour) {},
            Marker::Ring => circle cx=(short(x)) cy=(short(y)) r="3" fill="#ffffff" stroke=(colour) stroke-width="1.5" {},
            Marker::Square => rect x=(left) y=(top) width="6.4" height="6.4" fill=(colour) {},
        }
    }
}

/// A legend's entries in rows, each entry with its place from the left.
fn legend_rows(marks: &[Mark], width: f64) -> Vec<Vec<(f64, &Mark, &str)>> {
    let mut rows: Vec<Vec<(f64, &Mark, &str)>> = Vec::new();
    let mut at = f64::INFINITY;
    for (mark, legend) in marks.iter().filter_map(|mark| Some((mark, mark.legend.as_deref()?))) {
        let needed = 30.0 + text_width(legend) + 12.0;
        if at + needed > width {
            rows.push(Vec::new());
            at = 4.0;
        }
        if let Some(row) = rows.last_mut() {
            row.push((at, mark, legend));
        }
        at += needed;
    }
    rows
}

fn legend_markup(rows: &[Vec<(f64, &Mark, &str)>]) -> Markup {
    html! {
        @for (place, row) in rows.iter().enumerate() {
            @let y = 9.0 + LINE_HEIGHT * place as f64;
            @for (x, mark, legend) in row {
                @match mark.shape {
                    Shape::Line(_) => line x1=(short(*x)) x2=(short(x + 24.0)) y1=(short(y)) y2=(short(y)) stroke=(mark.colour) stroke-width=(mark.width) stroke-dasharray=[dash(mark)] {},
                    Shape::Band(_) => rect x=(short(*x)) y=(short(y - 5.0)) width="24" height="10" fill=(mark.colour) fill-opacity="0.22" {},
                    Shape::Columns(..) => rect x=(short(x + 7.0)) y=(short(y - 5.0)) width="10" height="10" fill=(mark.colour) {},
                    Shape::Points(_, marker) => (drawn(marker, x + 12.0, y, mark.colour)),
                }
                text x=(short(x + 29.0)) y=(short(y)) dy="0.35em" { (legend) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::colour;

    fn plot(marks: Vec<Mark>) -> String {
        let axis = |label| Axis::linear(label, 0.0, 10.0, 5);
        let size = Size { width: 300.0, height: 200.0 };
        let (x, y) = (axis("flight hours"), axis("<reports> & more"));
        Plot { title: "a chart".to_owned(), size, x, y, marks }.draw().into_string()
    }

    #[test]
    fn words_are_escaped() {
        let drawn = plot(vec![Mark::new(Shape::Line(vec![(0.0, 1.0)]), colour::BLUE).named("<b>")]);
        assert!(drawn.contains("&lt;reports&gt; &amp; more") && drawn.contains("&lt;b&gt;"), "{drawn}");
        assert!(!drawn.contains("<b>"));
    }

    #[test]
    fn what_is_beyond_the_axes_stays_within_the_frame() {
        let drawn = plot(vec![Mark::new(Shape::Line(vec![(0.0, -50.0), (10.0, 500.0)]), colour::BLUE)]);
        let path = drawn.split("<path d=\"").nth(1).unwrap().split('"').next().unwrap();
        assert!(path.starts_with("M0 ") && path.ends_with(" 0"), "{path}");
    }

    #[test]
    fn a_long_legend_takes_more_rows() {
        let marks = ["one of the lines", "another line of it", "and one more line"]
            .map(|name| Mark::new(Shape::Line(vec![]), colour::BLUE).named(name));
        assert_eq!(legend_rows(&marks, 300.0).len(), 3);
        assert_eq!(legend_rows(&marks, 760.0).len(), 1);
    }
}
