//! Rogue units: whether a unit's removals are more than its part's removals explain.

use super::SIGNIFICANCE;
use super::chance::upper_tail;
use crate::gather::units::{Unit, Units};

/// A unit that meets the rule.
#[derive(Clone, Debug)]
pub struct Judged<'a> {
    pub unit: &'a Unit,
    /// Removals that its hours would have given it at the rate of all units of the part.
    pub expected: Option<f64>,
    /// How many of all units watched would be expected to reach so many by chance.
    pub by_chance: Option<f64>,
}

impl Judged<'_> {
    /// Whether chance alone does not give this to one unit of the fleet.
    pub fn is_beyond_chance(&self) -> bool {
        self.by_chance.is_some_and(|by_chance| by_chance < SIGNIFICANCE)
    }
}

/// All units that meet the rule, the least explicable first.
pub fn judged(units: &Units) -> Vec<Judged<'_>> {
    let watched = units.watched.rows.first().map_or(0, |watched| watched.units);
    let mut judged: Vec<Judged<'_>> = units.units.rows.iter().map(|unit| judge(unit, watched)).collect();
    judged.sort_by(|one, other| {
        let p = |unit: &Judged<'_>| unit.by_chance.unwrap_or(f64::INFINITY);
        p(one).total_cmp(&p(other)).then(other.unit.removals_12m.cmp(&one.unit.removals_12m))
    });
    judged
}

fn judge(unit: &Unit, watched: i64) -> Judged<'_> {
    let known = unit.hours.zip(unit.part_hours).zip(unit.part_removals);
    let Some(((hours, part_hours), removals)) = known.filter(|((_, part), _)| *part > 0.0) else {
        return Judged { unit, expected: None, by_chance: None };
    };
    let share = hours / part_hours;
    let tail = upper_tail(unit.removals_12m.unsigned_abs(), removals.unsigned_abs(), share);
    Judged { unit, expected: Some(share * removals as f64), by_chance: Some(tail * watched.max(1) as f64) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(removals_12m: i64, hours: f64) -> Unit {
        Unit {
            part_number: "P".to_owned(),
            description: None,
            serial: "S".to_owned(),
            rule: "removals".to_owned(),
            removals_12m,
            nff_12m: 0,
            tails: 2,
            last_removed_at: None,
            hours: Some(hours),
            part_hours: Some(100_000.0),
            part_removals: Some(200),
        }
    }

    #[test]
    fn removals_that_the_part_explains_are_within_chance() {
        let often = unit(4, 1000.0);
        let judged = judge(&often, 2000);
        assert_eq!(judged.expected, Some(2.0));
        assert!(!judged.is_beyond_chance());
    }

    #[test]
    fn removals_far_beyond_the_parts_own_are_not() {
        let rogue = unit(9, 400.0);
        assert!(judge(&rogue, 2000).is_beyond_chance());
    }

    #[test]
    fn a_unit_whose_hours_nobody_knows_is_not_judged() {
        let unknown = Unit { hours: None, ..unit(9, 0.0) };
        let judged = judge(&unknown, 2000);
        assert!(judged.by_chance.is_none() && !judged.is_beyond_chance());
    }
}
