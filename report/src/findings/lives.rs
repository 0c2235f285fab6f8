//! How units of a part fail: wearing out, early, or by chance alone.

use fleet_functions::estimation::life::Curve;
use fleet_functions::estimation::life::goodness::{Point, plot};
use fleet_functions::estimation::sample::Lives;

use crate::gather::lives::{Law, Life, Step};

/// Differences of Akaike's criterion below this say little (Burnham and Anderson 2002, section 2.6).
const AIC_DIFFERENCE: f64 = 2.0;

/// With fewer failures bounds are wide and a law is easily mistaken for another.
pub const FEW_FAILURES: i64 = 10;

/// One part with everything that is drawn of it.
pub struct PartLives<'a> {
    pub part_number: &'a str,
    pub description: &'a str,
    pub removals: i64,
    pub failures: i64,
    pub suspensions: i64,
    pub weibull: Option<&'a Law>,
    pub best: Option<&'a Law>,
    pub steps: Vec<&'a Step>,
    /// Plotting positions: halfway up each step of the product-limit estimate.
    pub points: Vec<Point>,
    /// The greatest age of any life.
    pub until: f64,
    pub pattern: Pattern,
}

/// What the shape of the Weibull law, with its bounds, says of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pattern {
    WearsOut,
    FailsEarly,
    /// The bounds leave both open: age says nothing.
    NoAge,
    Unknown,
}

/// The parts in the order of their laws.
pub fn by_part<'a>(laws: &'a [Law], steps: &'a [Step], lives: &'a [Life]) -> Vec<PartLives<'a>> {
    laws.chunk_by(|one, other| one.part_number == other.part_number).map(|laws| part(laws, steps, lives)).collect()
}

fn part<'a>(laws: &'a [Law], steps: &'a [Step], lives: &'a [Life]) -> PartLives<'a> {
    let part_number = laws[0].part_number.as_str();
    let own = || lives.iter().filter(|life| life.part_number == part_number);
    let sample = Lives {
        exits: own().map(|life| life.duration_hours).collect(),
        observed: own().map(|life| life.observed).collect(),
        entries: own().map(|life| life.entry_hours).collect(),
    };
    let weibull = laws.iter().find(|law| law.distribution == "weibull2" && law.outcome == "fitted");
    PartLives {
        part_number,
        description: laws[0].description.as_deref().unwrap_or("not in the catalogue"),
        removals: laws[0].removals,
        failures: laws[0].failures,
        suspensions: laws[0].suspensions,
        weibull,
        best: laws.iter().find(|law| law.best),
        steps: steps.iter().filter(|step| step.part_number == part_number).collect(),
        points: plot(&sample),
        until: sample.exits.iter().copied().fold(0.0, f64::max),
        pattern: weibull.map_or(Pattern::Unknown, pattern),
    }
}

fn pattern(weibull: &Law) -> Pattern {
    match (weibull.beta_lower, weibull.beta_upper) {
        (Some(lower), _) if lower > 1.0 => Pattern::WearsOut,
        (_, Some(upper)) if upper < 1.0 => Pattern::FailsEarly,
        (Some(_), Some(_)) => Pattern::NoAge,
        _ => Pattern::Unknown,
    }
}

/// The law as a curve.
pub fn curve(law: &Law) -> Option<Curve> {
    match law.distribution.as_str() {
        "exponential" => Some(Curve::Exponential { rate: law.rate_per_hour? }),
        "lognormal" => Some(Curve::Lognormal { mu: law.mu?, sigma: law.sigma? }),
        "weibull2" => Some(Curve::Weibull { shape: law.beta?, scale: law.eta_hours?, location: 0.0 }),
        "weibull3" => Some(Curve::Weibull { shape: law.beta?, scale: law.eta_hours?, location: law.gamma_hours? }),
        _ => None,
    }
}

/// The law's name for people.
pub fn law_name(law: &Law) -> &'static str {
    match law.distribution.as_str() {
        "exponential" => "exponential",
        "lognormal" => "lognormal",
        "weibull3" => "Weibull, 3 parameters",
        _ => "Weibull",
    }
}

/// By how much the Weibull law is worse than the best, where that says something.
pub fn worse_by(part: &PartLives<'_>) -> Option<f64> {
    let difference = part.weibull?.aic? - part.best?.aic?;
    (difference > AIC_DIFFERENCE).then_some(difference)
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn law(distribution: &str, beta: (f64, f64, f64), aic: f64, best: bool) -> Law {
        Law {
            part_number: "P".to_owned(),
            description: Some("Pump".to_owned()),
            removals: 9,
            distribution: distribution.to_owned(),
            failures: 9,
            suspensions: 3,
            outcome: "fitted".to_owned(),
            eta_hours: Some(1000.0),
            eta_hours_lower: Some(800.0),
            eta_hours_upper: Some(1200.0),
            beta: Some(beta.0),
            beta_lower: Some(beta.1),
            beta_upper: Some(beta.2),
            gamma_hours: None,
            mu: Some(6.5),
            sigma: Some(0.7),
            rate_per_hour: Some(0.001),
            aic: Some(aic),
            best,
            b10_hours: Some(300.0),
            b10_hours_lower: Some(200.0),
            b10_hours_upper: Some(400.0),
            mean_hours: Some(900.0),
            correlation: Some(0.99),
        }
    }

    #[test]
    fn the_bounds_of_the_shape_decide_the_pattern() {
        let of = |beta| pattern(&law("weibull2", beta, 100.0, true));
        assert_eq!(of((2.0, 1.4, 2.9)), Pattern::WearsOut);
        assert_eq!(of((0.6, 0.4, 0.9)), Pattern::FailsEarly);
        assert_eq!(of((1.3, 0.8, 1.9)), Pattern::NoAge);
    }

    #[test]
    fn a_part_is_put_together_from_its_rows() {
        let laws = [law("lognormal", (2.0, 1.4, 2.9), 95.0, true), law("weibull2", (2.0, 1.4, 2.9), 100.0, false)];
        let life =
            |duration_hours, observed| Life { part_number: "P".to_owned(), entry_hours: 0.0, duration_hours, observed };
        let lives = [life(100.0, true), life(200.0, true), life(300.0, false)];
        let parts = by_part(&laws, &[], &lives);
        assert_eq!((parts.len(), parts[0].until, parts[0].points.len()), (1, 300.0, 2));
        assert_eq!((worse_by(&parts[0]), parts[0].best.map(law_name)), (Some(5.0), Some("lognormal")));
        assert!((parts[0].points[0].failed - 1.0 / 6.0).abs() < 1e-12);
    }

    #[test]
    fn each_law_is_a_curve_that_falls() {
        for name in ["exponential", "lognormal", "weibull2"] {
            let curve = curve(&law(name, (2.0, 1.4, 2.9), 100.0, true)).unwrap();
            assert!(curve.survival(100.0) > curve.survival(2000.0), "{name}");
        }
        assert!(curve(&law("weibull3", (2.0, 1.4, 2.9), 100.0, true)).is_none(), "without its location");
    }
}
