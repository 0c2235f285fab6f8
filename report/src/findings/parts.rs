//! Parts against what was guaranteed for them.

use fleet_functions::estimation::numeric::poisson_cdf;

use super::SIGNIFICANCE;
use crate::gather::parts::Part;

/// A part's MTBUR as a share of its guarantee, with bounds of 95 %.
#[derive(Clone, Debug)]
pub struct Versus<'a> {
    pub part: &'a Part,
    pub guaranteed_hours: f64,
    pub ratio: f64,
    pub lower: Option<f64>,
    pub upper: Option<f64>,
    /// The probability that a part just at its guarantee has as many removals, times the number of parts compared
    /// (Bonferroni).
    pub p: f64,
}

impl Versus<'_> {
    /// Whether the whole interval lies below the guarantee.
    pub fn is_below(&self) -> bool {
        self.upper.is_some_and(|upper| upper < 1.0)
    }

    /// Whether it is below also when the number of parts that were compared is taken into account.
    pub fn is_beyond_chance(&self) -> bool {
        self.p < SIGNIFICANCE
    }
}

/// Parts with a guarantee and a removal, those that are most surely below it first: by the upper bound.
pub fn versus_guarantee(parts: &[Part]) -> Vec<Versus<'_>> {
    let mut compared: Vec<Versus<'_>> = parts.iter().filter_map(versus).collect();
    let count = compared.len() as f64;
    compared.iter_mut().for_each(|versus| versus.p = (versus.p * count).min(1.0));
    let upper = |part: &Versus<'_>| part.upper.unwrap_or(f64::INFINITY);
    compared.sort_by(|one, other| upper(one).total_cmp(&upper(other)));
    compared
}

fn versus(part: &Part) -> Option<Versus<'_>> {
    let guaranteed_hours = part.mtbur_guaranteed_hours.filter(|hours| *hours > 0.0)?;
    let ratio = part.mtbur_hours_12m? / guaranteed_hours;
    let from_rate = |rate: Option<f64>| rate.filter(|rate| *rate > 0.0).map(|rate| 1000.0 / rate / guaranteed_hours);
    let lower = from_rate(part.removals_per_1000_unit_hours_12m_upper);
    let upper = from_rate(part.removals_per_1000_unit_hours_12m_lower);
    let fewer = part.unscheduled_removals_12m.unsigned_abs().checked_sub(1)?;
    let p = 1.0 - poisson_cdf(fewer, part.unit_hours_12m? / guaranteed_hours);
    Some(Versus { part, guaranteed_hours, ratio, lower, upper, p })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn part(part_number: &str, removals: i64, lower: f64, upper: f64) -> Part {
        Part {
            part_number: part_number.to_owned(),
            description: None,
            chapter: None,
            quantity_per_aircraft: Some(1),
            mtbur_guaranteed_hours: Some(2000.0),
            months_12m: 12,
            unit_hours_12m: Some(10_000.0),
            unscheduled_removals: 0,
            unscheduled_removals_12m: removals,
            confirmed_failures_12m: removals,
            nff_12m: 0,
            mtbur_hours_12m: (removals > 0).then(|| 10_000.0 / removals as f64),
            mtbur_lower_bound_hours_12m: None,
            removals_per_1000_unit_hours_12m_lower: Some(lower),
            removals_per_1000_unit_hours_12m_upper: Some(upper),
        }
    }

    #[test]
    fn a_bound_of_the_rate_is_the_other_bound_of_the_time() {
        let parts = [part("A", 10, 0.4795, 1.8390), part("B", 30, 2.024, 4.283), part("C", 0, 0.0, 0.369)];
        let compared = versus_guarantee(&parts);
        let names: Vec<&str> = compared.iter().map(|versus| versus.part.part_number.as_str()).collect();
        assert_eq!((names, compared[0].is_below(), compared[1].is_below()), (vec!["B", "A"], true, false));
        assert!((compared[1].ratio - 0.5).abs() < 1e-12);
        assert!((compared[1].upper.unwrap() - 1000.0 / 0.4795 / 2000.0).abs() < 1e-12);
        assert!(compared[0].is_beyond_chance() && !compared[1].is_beyond_chance());
        // P(X ≥ 10) of a Poisson law with mean 5 is 0.0318 (tables of Pearson and Hartley), of two parts twice that.
        assert!((compared[1].p - 0.0637).abs() < 1e-4);
    }
}
