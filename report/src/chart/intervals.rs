//! Estimates with their bounds, one a row, against a reference.

use maud::{Markup, html};

use super::plot::{Marker, Size, drawn, short};
use super::scale::Axis;
use super::{colour, text_width};

/// One row: an estimate with its bounds, and what is written at the right end.
#[derive(Clone, Debug)]
pub struct Range {
    pub label: String,
    pub value: Option<f64>,
    pub lower: Option<f64>,
    pub upper: Option<f64>,
    pub note: String,
    /// Whether the bounds leave out the reference.
    pub stands_out: bool,
}

/// The line that rows are compared with.
#[derive(Clone, Debug)]
pub struct Reference {
    pub value: f64,
    pub text: String,
}

const ROW: f64 = 19.0;

pub fn intervals(title: &str, axis: &Axis, reference: &Reference, rows: &[Range], width: f64) -> Markup {
    let left = 8.0 + rows.iter().map(|row| text_width(&row.label)).fold(40.0, f64::max).min(width * 0.45);
    let right = 14.0 + rows.iter().map(|row| text_width(&row.note)).fold(0.0, f64::max);
    let (top, span) = (20.0, width - left - right);
    let base = top + ROW * rows.len() as f64;
    let size = Size { width, height: base + 36.0 };
    let x = |value: f64| left + axis.place_within(value) * span;
    let line = short(x(reference.value));
    html! {
        svg class="chart" role="img" viewBox=(format!("0 0 {} {}", size.width, size.height)) width=(size.width) height=(size.height) {
            title { (title) }
            @for tick in &axis.ticks {
                @let at = short(x(tick.value));
                line class="grid" x1=(at) x2=(at) y1=(top) y2=(short(base)) {}
                text x=(at) y=(short(base + 14.0)) text-anchor="middle" { (tick.text) }
            }
            line x1=(line) x2=(line) y1=(top) y2=(short(base)) stroke=(colour::BLACK) stroke-width="1.4" {}
            text x=(line) y="12" text-anchor=(anchor(x(reference.value), left, span)) { (reference.text) }
            @for (place, row) in rows.iter().enumerate() {
                @let y = top + ROW * (place as f64 + 0.5);
                text x=(short(left - 6.0)) y=(short(y)) dy="0.35em" text-anchor="end" { (row.label) }
                (one(row, axis, &x, y))
                text x=(short(left + span + 8.0)) y=(short(y)) dy="0.35em" { (row.note) }
            }
            text x=(short(left + span / 2.0)) y=(short(size.height - 5.0)) text-anchor="middle" { (axis.label) }
        }
    }
}

/// An estimate that stands out is a filled square in a colour of its own, any other a ring.
fn one(row: &Range, axis: &Axis, x: &impl Fn(f64) -> f64, y: f64) -> Markup {
    let (stroke, marker) = match row.stands_out {
        true => (colour::VERMILLION, Marker::Square),
        false => (colour::BLUE, Marker::Ring),
    };
    let (from, to) = axis.ends();
    html! {
        @let (left, right) = (x(row.lower.unwrap_or(from)), x(row.upper.unwrap_or(to)));
        @if row.lower.is_some() || row.upper.is_some() {
            line x1=(short(left)) x2=(short(right)) y1=(short(y)) y2=(short(y)) stroke=(stroke) stroke-width="2" {}
        }
        @if let Some(value) = row.value { (drawn(marker, x(value), y, stroke)) }
    }
}

/// Keeps a text within the chart.
fn anchor(at: f64, left: f64, span: f64) -> &'static str {
    match (at - left) / span {
        place if place < 0.2 => "start",
        place if place > 0.8 => "end",
        _ => "middle",
    }
}
