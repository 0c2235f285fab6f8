//! Lying bars, each cut into segments, with the total written behind it.

use maud::{Markup, html};

use super::plot::{Size, short};
use super::scale::Axis;
use super::{colour, text_width};

/// One bar: its label, its segments in the order of the names, and what is written behind it.
#[derive(Clone, Debug)]
pub struct Bar {
    pub label: String,
    pub segments: Vec<f64>,
    pub note: String,
}

const ROW: f64 = 19.0;

/// Bars over a common axis; `names` gives each segment its words and its colour.
pub fn bars(title: &str, axis_label: &str, names: &[(&str, &'static str)], rows: &[Bar], width: f64) -> Markup {
    let most = rows.iter().map(|bar| bar.segments.iter().sum::<f64>()).fold(0.0, f64::max);
    let axis = Axis::counts(axis_label, most, 6);
    let left = 8.0 + rows.iter().map(|bar| text_width(&bar.label)).fold(40.0, f64::max).min(width * 0.45);
    let right = 14.0 + rows.iter().map(|bar| text_width(&bar.note)).fold(0.0, f64::max);
    let (top, span) = (22.0, width - left - right);
    let base = top + ROW * rows.len() as f64;
    let size = Size { width, height: base + 36.0 };
    let x = |value: f64| left + axis.place_within(value) * span;
    html! {
        svg class="chart" role="img" viewBox=(format!("0 0 {} {}", size.width, size.height)) width=(size.width) height=(size.height) {
            title { (title) }
            (legend(names))
            @for tick in &axis.ticks {
                @let at = short(x(tick.value));
                line class="grid" x1=(at) x2=(at) y1=(top) y2=(short(base)) {}
                text x=(at) y=(short(base + 14.0)) text-anchor="middle" { (tick.text) }
            }
            @for (place, bar) in rows.iter().enumerate() {
                @let y = top + ROW * place as f64;
                text x=(short(left - 6.0)) y=(short(y + ROW / 2.0)) dy="0.35em" text-anchor="end" { (bar.label) }
                @for (segment, (from, to)) in ends(&bar.segments).into_iter().enumerate() {
                    @if to > from {
                        rect x=(short(x(from))) y=(short(y + 3.0)) width=(short(x(to) - x(from))) height=(ROW - 6.0)
                            fill=(names.get(segment).map_or(colour::GREY, |(_, fill)| fill)) stroke="#ffffff" stroke-width="0.6" {}
                    }
                }
                text x=(short(x(bar.segments.iter().sum()) + 5.0)) y=(short(y + ROW / 2.0)) dy="0.35em" { (bar.note) }
            }
            line class="frame" x1=(short(left)) x2=(short(left)) y1=(top) y2=(short(base)) {}
            text x=(short(left + span / 2.0)) y=(short(size.height - 5.0)) text-anchor="middle" { (axis.label) }
        }
    }
}

fn ends(segments: &[f64]) -> Vec<(f64, f64)> {
    let mut at = 0.0;
    let placed = segments.iter().map(|length| {
        let from = at;
        at += length;
        (from, at)
    });
    placed.collect()
}

fn legend(names: &[(&str, &'static str)]) -> Markup {
    let mut at = 4.0;
    let placed: Vec<(f64, &str, &str)> = names
        .iter()
        .map(|(name, fill)| {
            let x = at;
            at += 32.0 + text_width(name);
            (x, *name, *fill)
        })
        .collect();
    html! {
        @for (x, name, fill) in placed {
            rect x=(short(x)) y="4" width="11" height="11" fill=(fill) {}
            text x=(short(x + 16.0)) y="10" dy="0.35em" { (name) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_follow_each_other() {
        assert_eq!(ends(&[2.0, 0.0, 3.0]), [(0.0, 2.0), (2.0, 2.0), (2.0, 5.0)]);
    }

    #[test]
    fn an_empty_segment_is_not_drawn() {
        let rows = [Bar { label: "24 Power".to_owned(), segments: vec![3.0, 0.0], note: "3".to_owned() }];
        let drawn = bars("t", "incidents", &[("delays", colour::SKY), ("cancelled", colour::BLUE)], &rows, 400.0);
        assert_eq!(drawn.into_string().matches("stroke=\"#ffffff\"").count(), 1);
    }
}
