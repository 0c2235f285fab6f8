//! Months against rows: how much each cell says, by shade and by number.

use chrono::NaiveDate;
use maud::{Markup, html};

use super::plot::short;
use super::{colour, text_width};

/// One cell: what it says, or that nothing can be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// There was nothing to judge by.
    Unknown,
    /// This many of three.
    Of3(usize),
}

#[derive(Clone, Debug)]
pub struct MatrixRow {
    pub label: String,
    pub cells: Vec<Cell>,
    pub note: String,
}

const ROW: f64 = 17.0;
const HEAD: f64 = 20.0;

pub fn matrix(title: &str, months: &[NaiveDate], rows: &[MatrixRow], width: f64) -> Markup {
    let left = 8.0 + rows.iter().map(|row| text_width(&row.label)).fold(60.0, f64::max).min(width * 0.4);
    let right = 14.0 + rows.iter().map(|row| text_width(&row.note)).fold(0.0, f64::max);
    let cell = (width - left - right) / months.len().max(1) as f64;
    let height = HEAD + ROW * rows.len() as f64 + 4.0;
    html! {
        svg class="chart" role="img" viewBox=(format!("0 0 {width} {height}")) width=(width) height=(height) {
            title { (title) }
            @for (place, month) in months.iter().enumerate() {
                text x=(short(left + cell * (place as f64 + 0.5))) y="13" text-anchor="middle" { (month.format("%b %y")) }
            }
            @for (place, row) in rows.iter().enumerate() {
                @let y = HEAD + ROW * place as f64;
                text x=(short(left - 6.0)) y=(short(y + ROW / 2.0)) dy="0.35em" text-anchor="end" { (row.label) }
                @for (month, value) in row.cells.iter().enumerate() {
                    (one(*value, left + cell * month as f64, y, cell))
                }
                text x=(short(width - right + 8.0)) y=(short(y + ROW / 2.0)) dy="0.35em" { (row.note) }
            }
        }
    }
}

fn one(cell: Cell, x: f64, y: f64, width: f64) -> Markup {
    let (fill, ink, text) = match cell {
        Cell::Unknown => ("#ffffff", colour::GREY, "–"),
        Cell::Of3(0) => ("#f2f2f2", colour::GREY, "·"),
        Cell::Of3(1) => (colour::SKY, colour::BLACK, "1"),
        Cell::Of3(2) => (colour::ORANGE, colour::BLACK, "2"),
        Cell::Of3(_) => (colour::VERMILLION, "#ffffff", "3"),
    };
    html! {
        rect x=(short(x + 1.0)) y=(short(y + 1.0)) width=(short(width - 2.0)) height=(ROW - 2.0) fill=(fill) {}
        text x=(short(x + width / 2.0)) y=(short(y + ROW / 2.0)) dy="0.35em" text-anchor="middle" style=(format!("fill:{ink}")) { (text) }
    }
}
