//! Scales and axes: where a value lies between two ends, and which values are named.

use chrono::NaiveDate;

use super::numbers::number;

/// The transformation that makes an axis straight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scale {
    Linear,
    Log,
    /// Of a share failed: ln(−ln(1 − F)), on which a Weibull law is a straight line against the logarithm of the age.
    Weibull,
}

impl Scale {
    fn straight(self, value: f64) -> f64 {
        match self {
            Self::Linear => value,
            Self::Log => value.ln(),
            Self::Weibull => (-(-value).ln_1p()).ln(),
        }
    }
}

/// A named value of an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    pub value: f64,
    pub text: String,
}

/// An axis with its ends, its named values, and its label with the unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    pub label: String,
    pub ticks: Vec<Tick>,
    scale: Scale,
    from: f64,
    to: f64,
}

/// Shares failed that Weibull paper names.
const SHARES: [f64; 15] =
    [0.0001, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.632, 0.9, 0.99, 0.999];

impl Axis {
    /// From `from` to `to` and on to the next named values, some `wanted` of them.
    pub fn linear(label: &str, from: f64, to: f64, wanted: usize) -> Self {
        Self::stepped(label, from, to, nice_step(span(from, to) / wanted.max(1) as f64))
    }

    /// Counts from 0 on: no named value lies between two counts.
    pub fn counts(label: &str, most: f64, wanted: usize) -> Self {
        Self::stepped(label, 0.0, most, nice_step(span(0.0, most) / wanted.max(1) as f64).max(1.0))
    }

    fn stepped(label: &str, from: f64, to: f64, step: f64) -> Self {
        let first = (from / step).floor();
        let last = (to / step - 1e-9).ceil().max(first + 1.0);
        let decimals = (-step.log10().floor()).clamp(0.0, 6.0) as usize;
        let count = (last - first).min(100.0) as usize;
        let ticks = (0..=count).map(|place| {
            let value = (first + place as f64) * step;
            Tick { value, text: super::fixed(value, decimals) }
        });
        Self {
            label: label.to_owned(),
            ticks: ticks.collect(),
            scale: Scale::Linear,
            from: first * step,
            to: last * step,
        }
    }

    /// Positive values on a logarithmic axis; 1, 2 and 5 of each decade are named, of many decades only 1.
    pub fn log(label: &str, from: f64, to: f64) -> Self {
        let from = from.max(1e-12);
        let to = to.max(from * 1.0001);
        let decades = (to / from).log10();
        let names: &[f64] = if decades > 3.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
        let exponents = from.log10().floor() as i32..=to.log10().ceil() as i32;
        let all: Vec<f64> =
            exponents.flat_map(|exponent| names.iter().map(move |name| name * 10f64.powi(exponent))).collect();
        let low = all.iter().copied().rfind(|value| *value <= from * 1.0001).unwrap_or(from);
        let high = all.iter().copied().find(|value| *value >= to * 0.9999).unwrap_or(to);
        let within = all.into_iter().filter(|value| (low..=high).contains(value));
        let ticks = within.map(|value| Tick { value, text: tick_text(value) }).collect();
        Self { label: label.to_owned(), ticks, scale: Scale::Log, from: low, to: high }
    }

    /// Shares failed on Weibull paper, wide enough for `from` and `to`.
    pub fn weibull(label: &str, from: f64, to: f64) -> Self {
        let low = SHARES.iter().copied().rfind(|share| *share <= from).unwrap_or(SHARES[0]);
        let high = SHARES.iter().copied().find(|share| *share >= to).unwrap_or(SHARES[SHARES.len() - 1]);
        let (low, high) = if low < high { (low, high) } else { (0.01, 0.99) };
        let within = SHARES.iter().copied().filter(|share| (low..=high).contains(share));
        let ticks = within.map(|value| Tick { value, text: tick_text(100.0 * value) }).collect();
        Self { label: label.to_owned(), ticks, scale: Scale::Weibull, from: low, to: high }
    }

    /// One place a month, `names` of them named at most.
    pub fn months(months: &[NaiveDate], names: usize) -> Self {
        Self::dates(months, names, "%b %y")
    }

    /// One place a day, `names` of them named at most.
    pub fn days(days: &[NaiveDate], names: usize) -> Self {
        Self::dates(days, names, "%-d %b")
    }

    fn dates(dates: &[NaiveDate], names: usize, format: &str) -> Self {
        let last = dates.len().saturating_sub(1);
        let every = dates.len().div_ceil(names.max(1)).max(1);
        let named = dates.iter().enumerate().filter(|(place, _)| (last - place).is_multiple_of(every));
        let ticks =
            named.map(|(place, date)| Tick { value: place as f64, text: date.format(format).to_string() }).collect();
        Self { label: String::new(), ticks, scale: Scale::Linear, from: -0.6, to: last as f64 + 0.6 }
    }

    pub fn ends(&self) -> (f64, f64) {
        (self.from, self.to)
    }

    /// Where a value lies: 0 at one end, 1 at the other; none for what has no place, as 0 on a logarithmic axis.
    pub fn place(&self, value: f64) -> Option<f64> {
        let straight = |value| self.scale.straight(value);
        let (from, to) = (straight(self.from), straight(self.to));
        Some((straight(value) - from) / (to - from)).filter(|place| place.is_finite())
    }

    /// The same, with what is beyond an end or has no place moved to the end below or above.
    pub fn place_within(&self, value: f64) -> f64 {
        self.place(value).map_or(if value > self.from { 1.0 } else { 0.0 }, |place| place.clamp(0.0, 1.0))
    }
}

/// From one end to the other; 1 where they are equal.
fn span(from: f64, to: f64) -> f64 {
    if to > from { to - from } else { 1.0 }
}

/// The least of 1, 2 and 5 times a power of ten that is no less.
fn nice_step(rough: f64) -> f64 {
    let power = 10f64.powf(rough.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
    steps.into_iter().find(|step| *step >= rough * 0.999_999).unwrap_or(10.0 * power)
}

fn tick_text(value: f64) -> String {
    if value >= 100.0 {
        return super::grouped(value);
    }
    let text = number(value);
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|tick| tick.text.as_str()).collect()
    }

    #[test]
    fn a_linear_axis_reaches_the_next_round_values() {
        let axis = Axis::linear("rate", 0.0, 9.3, 5);
        assert_eq!((texts(&axis), axis.ends()), (vec!["0", "2", "4", "6", "8", "10"], (0.0, 10.0)));
        let axis = Axis::linear("percent", 97.93, 98.44, 4);
        assert_eq!(texts(&axis), ["97.8", "98.0", "98.2", "98.4", "98.6"]);
        assert!((axis.place(98.2).unwrap() - 0.5).abs() < 1e-9);
    }

    #[test]
    fn equal_ends_still_make_an_axis() {
        for axis in [Axis::linear("", 0.0, 0.0, 4), Axis::linear("", 5.0, 5.0, 4), Axis::log("", 3.0, 3.0)] {
            let (from, to) = axis.ends();
            assert!(from < to && axis.ticks.len() >= 2 && axis.place(from) == Some(0.0), "{axis:?}");
        }
    }

    #[test]
    fn counts_have_no_halves() {
        assert_eq!(texts(&Axis::counts("", 2.0, 6)), ["0", "1", "2"]);
        assert_eq!(texts(&Axis::counts("", 0.0, 6)), ["0", "1"]);
    }

    #[test]
    fn a_logarithmic_axis_has_decades_and_no_zero() {
        let axis = Axis::log("hours", 30.0, 4000.0);
        assert_eq!(texts(&axis), ["20", "50", "100", "200", "500", "1\u{202f}000", "2\u{202f}000", "5\u{202f}000"]);
        assert_eq!((axis.place(0.0), axis.place_within(0.0), axis.place_within(1e9)), (None, 0.0, 1.0));
        let middle = axis.place(20.0f64.mul_add(5000.0, 0.0).sqrt()).unwrap();
        assert!((middle - 0.5).abs() < 1e-12);
    }

    #[test]
    fn a_weibull_law_is_a_straight_line_on_its_paper() {
        let (shape, scale) = (2.3_f64, 900.0_f64);
        let (x, y) = (Axis::log("", 100.0, 2000.0), Axis::weibull("", 0.001, 0.99));
        let at = |hours: f64| {
            let failed = 1.0 - (-(hours / scale).powf(shape)).exp();
            (x.place(hours).unwrap(), y.place(failed).unwrap())
        };
        let (one, two, three) = (at(150.0), at(600.0), at(1500.0));
        let slope = |a: (f64, f64), b: (f64, f64)| (b.1 - a.1) / (b.0 - a.0);
        assert!((slope(one, two) - slope(two, three)).abs() < 1e-9);
    }

    #[test]
    fn the_last_month_is_always_named() {
        let months: Vec<NaiveDate> = (1..=9).map(|month| NaiveDate::from_ymd_opt(2026, month, 1).unwrap()).collect();
        assert_eq!(texts(&Axis::months(&months, 4)), ["Mar 26", "Jun 26", "Sep 26"]);
    }
}
