//! Charts as SVG inside a page: pure functions from numbers to markup.
//!
//! They are written with maud, as the page is, and not with a plotting crate: text stays text (searchable, in the page's
//! fonts, escaped by the compiler), nothing is measured with fonts of the machine, and scales that reliability needs,
//! such as Weibull paper, are a function each. It never asks for data and never judges them.

mod bars;
mod growth;
mod intervals;
mod matrix;
mod numbers;
mod plot;
mod probability;
mod scale;
mod series;
mod survival;

pub use bars::{Bar, bars};
pub use growth::growth;
pub use intervals::{Range, Reference, intervals};
pub use matrix::{Cell, MatrixRow, matrix};
pub use numbers::{count, counted, fixed, grouped, month_name, number, percent, probability_text};
pub use plot::{Marker, Size};
pub use probability::probability;
pub use scale::Axis;
pub use series::{Series, columns, monthly};
pub use survival::{Curve, survival};

/// Colours that people with any kind of colour vision tell apart (Okabe and Ito 2008); dashes and markers tell them
/// apart in black and white.
pub mod colour {
    pub const BLACK: &str = "#000000";
    pub const GREY: &str = "#6b6b6b";
    pub const ORANGE: &str = "#e69f00";
    pub const SKY: &str = "#56b4e9";
    pub const GREEN: &str = "#009e73";
    pub const BLUE: &str = "#0072b2";
    pub const VERMILLION: &str = "#d55e00";
}

/// A whole page's width and half of it, in the units of an SVG: at these sizes its text is 8 point on A4.
pub const FULL: f64 = 760.0;
pub const HALF: f64 = 374.0;

/// Both ends of an interval.
pub type Bounds = (f64, f64);

/// A step of a curve: age, value from there on, bounds where known.
pub type Step = (f64, f64, Option<Bounds>);

/// The width of a text of this many characters at the charts' size, about.
pub(crate) fn text_width(text: &str) -> f64 {
    6.6 * text.chars().count() as f64
}
