//! The test of whether groups of lives share one survival curve.
//!
//! It owns the log-rank statistic and never says which group is better: observed against expected does.

use super::RiskSet;
use crate::estimation::numeric::chi_squared_sf;
use crate::estimation::sample::{Flaw, Lives};

/// A share of a group's own variance below which what is left of it is rounding.
const RANK_TOLERANCE: f64 = 1e-10;

/// The test's outcome.
#[derive(Clone, Debug, PartialEq)]
pub struct LogRank {
    pub chi_square: f64,
    /// The rank of the covariance: groups less one, fewer where some were never at risk together.
    pub degrees_of_freedom: usize,
    /// The probability of a statistic at least as large where all groups share one curve.
    pub p_value: f64,
    /// One for each group given, in the order given.
    pub groups: Vec<GroupCount>,
}

/// Failures of one group.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct GroupCount {
    pub observed: usize,
    /// What the pooled hazard would have brought to the group's units at risk.
    pub expected: f64,
}

/// Why there is no test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogRankFlaw {
    /// A group's lives are unfit.
    Lives(Flaw),
    /// Fewer than two groups have lives.
    OneGroup,
    /// No failure was seen in any group.
    NoFailures,
    /// At every failure age, all units at risk belong to one group, or all fail.
    NoOverlap,
}

impl LogRankFlaw {
    /// The word that SQL results use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lives(flaw) => flaw.name(),
            Self::OneGroup => "one_group",
            Self::NoFailures => "no_failures",
            Self::NoOverlap => "no_overlap",
        }
    }
}

/// Tests whether all groups share one survival curve; groups without lives are left aside.
///
/// The sum of observed less expected failures over its hypergeometric covariance (Mantel 1966; Peto & Peto 1972;
/// Kalbfleisch & Prentice 2002, section 1.5), against chi-squared. Each age's risk set holds units with
/// `entry < age <= exit`, so that left truncation is allowed for.
///
/// # Errors
/// [`LogRankFlaw`]: flawed lives, or nothing to compare.
pub fn log_rank(groups: &[Lives]) -> Result<LogRank, LogRankFlaw> {
    let risk_sets = risk_sets(groups)?;
    let present: Vec<&RiskSet> = risk_sets.iter().flatten().collect();
    if present.len() < 2 {
        return Err(LogRankFlaw::OneGroup);
    }
    let failures = super::sorted(present.iter().flat_map(|group| group.failures.iter().copied()));
    if failures.is_empty() {
        return Err(LogRankFlaw::NoFailures);
    }

    let mut expected = vec![0.0; present.len()];
    let mut covariance = vec![vec![0.0; present.len()]; present.len()];
    for tied in failures.chunk_by(|one, other| one == other) {
        let at_risk: Vec<f64> = present.iter().map(|group| group.at_risk(tied[0]) as f64).collect();
        add_age(&at_risk, tied.len() as f64, &mut expected, &mut covariance);
    }

    let observed: Vec<usize> = present.iter().map(|group| group.failures.len()).collect();
    let excess = observed.iter().zip(&expected).map(|(observed, expected)| *observed as f64 - expected).collect();
    let (chi_square, degrees_of_freedom) = quadratic_form(covariance, excess);
    if degrees_of_freedom == 0 {
        return Err(LogRankFlaw::NoOverlap);
    }
    let mut counts = observed.into_iter().zip(expected);
    let counts = risk_sets.iter().map(|group| {
        let count = group.as_ref().and_then(|_| counts.next());
        count.map(|(observed, expected)| GroupCount { observed, expected }).unwrap_or_default()
    });
    let groups = counts.collect();
    let p_value = chi_squared_sf(chi_square, degrees_of_freedom as f64);
    Ok(LogRank { chi_square, degrees_of_freedom, p_value, groups })
}

/// The risk set of each group, `None` for one without lives.
fn risk_sets(groups: &[Lives]) -> Result<Vec<Option<RiskSet>>, LogRankFlaw> {
    if groups.iter().all(Lives::is_empty) {
        return Err(LogRankFlaw::Lives(Flaw::Empty));
    }
    let set_of = |lives: &Lives| match RiskSet::new(lives) {
        Err(Flaw::Empty) => Ok(None),
        other => other.map(Some).map_err(LogRankFlaw::Lives),
    };
    groups.iter().map(set_of).collect()
}

/// Adds one failure age's expectations and its hypergeometric covariance.
fn add_age(at_risk: &[f64], failures: f64, expected: &mut [f64], covariance: &mut [Vec<f64>]) {
    let total: f64 = at_risk.iter().sum();
    // With one unit left its failure is certain, and nothing varies.
    let spread = if total > 1.0 { failures * (total - failures) / (total - 1.0) } else { 0.0 };
    for (row, of_row) in at_risk.iter().enumerate() {
        expected[row] += failures * of_row / total;
        for (column, of_column) in at_risk.iter().enumerate() {
            let same = if row == column { 1.0 } else { 0.0 };
            covariance[row][column] += spread * (of_row / total) * (same - of_column / total);
        }
    }
}

/// `xᵀ V⁻ x` with the rank of `V`, for a positive semi-definite `V` with `x` in its range: elimination that takes,
/// at each turn, the row of which most is left and, of equals, the one that varies least.
fn quadratic_form(mut matrix: Vec<Vec<f64>>, mut vector: Vec<f64>) -> (f64, usize) {
    let own: Vec<f64> = (0..vector.len()).map(|row| matrix[row][row]).collect();
    let mut left: Vec<usize> = (0..vector.len()).filter(|row| own[*row] > 0.0).collect();
    let (mut form, mut rank) = (0.0, 0);
    loop {
        let share = |row: usize| matrix[row][row] / own[row];
        let best = left
            .iter()
            .copied()
            .max_by(|one, other| share(*one).total_cmp(&share(*other)).then(own[*other].total_cmp(&own[*one])));
        let Some(pivot) = best.filter(|row| share(*row) > RANK_TOLERANCE) else {
            return (form, rank);
        };
        left.retain(|row| *row != pivot);
        let pivot_row = matrix[pivot].clone();
        form += vector[pivot] * vector[pivot] / pivot_row[pivot];
        rank += 1;
        for row in left.iter().copied() {
            let factor = matrix[row][pivot] / pivot_row[pivot];
            vector[row] -= factor * vector[pivot];
            for (value, of_pivot) in matrix[row].iter_mut().zip(&pivot_row) {
                *value -= factor * of_pivot;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::estimation::survival::testing::{
        assert_close, from_rows, late_entries, lives, maintained, not_maintained, placebo, rows, six_mp,
    };

    #[test]
    fn six_mp_against_placebo_gives_the_known_statistic() {
        // Freireich et al. 1963; lifelines 0.30.3 and surpyval 0.25.
        let test = log_rank(&[six_mp(), placebo()]).unwrap();
        assert_close(test.chi_square, 16.792941, 1e-7);
        assert_close(test.p_value, 4.16881e-5, 2e-6);
        assert_eq!(test.degrees_of_freedom, 1);
    }

    #[test]
    fn maintenance_of_leukaemia_gives_the_statistic_of_r() {
        // R's survival, survdiff(Surv(time, status) ~ x, aml): 7 of 10.69 and 11 of 7.31, chi-square 3.4, p 0.0653;
        // more digits from lifelines 0.30.3.
        let test = log_rank(&[maintained(), not_maintained()]).unwrap();
        assert_close(test.chi_square, 3.3963886989776024, 1e-12);
        assert_close(test.p_value, 0.0653393220405049, 1e-10);
        assert_eq!((test.groups[0].observed, test.groups[1].observed), (7, 11));
        assert!((test.groups[0].expected - 10.69).abs() < 5.1e-3);
        assert!((test.groups[1].expected - 7.31).abs() < 5.1e-3);
    }

    fn three_groups() -> [Lives; 3] {
        [
            lives(&[6.0, 7.0, 15.0, 25.0], &[10.0, 19.0]),
            lives(&[5.0, 8.0, 8.0, 20.0, 30.0], &[12.0]),
            lives(&[3.0, 4.0, 6.0, 9.0, 11.0], &[9.0]),
        ]
    }

    #[test]
    fn three_groups_agree_with_two_other_programs() {
        // lifelines 0.30.3 multivariate_logrank_test and statsmodels survdiff.
        let test = log_rank(&three_groups()).unwrap();
        assert_close(test.chi_square, 3.1871546107092876, 1e-12);
        assert_close(test.p_value, 0.2031974108264832, 1e-10);
        assert_eq!(test.degrees_of_freedom, 2);
    }

    #[test]
    fn late_entries_are_at_risk_only_after_their_entry() {
        // statsmodels survdiff with entry.
        let all = late_entries();
        let group = |of: u8| {
            let membership = [0, 0, 0, 1, 1, 1, 0, 1, 0, 1];
            let rows: Vec<_> =
                all.iter().zip(membership).filter(|(_, group)| *group == of).map(|(row, _)| row).collect();
            from_rows(&rows)
        };
        let test = log_rank(&[group(0), group(1)]).unwrap();
        assert_close(test.chi_square, 0.549789621318373, 1e-12);
    }

    #[test]
    fn groups_without_lives_are_left_aside() {
        let [one, other, last] = three_groups();
        let with_empty = log_rank(&[one, Lives::default(), other, last]).unwrap();
        assert_close(with_empty.chi_square, 3.1871546107092876, 1e-12);
        assert_eq!(with_empty.groups[1], GroupCount::default());
        assert_eq!(with_empty.groups[3].observed, 5);
    }

    #[test]
    fn groups_that_are_never_at_risk_together_take_a_degree_of_freedom() {
        let early = || lives(&[1.0, 2.0, 3.0], &[]);
        let late = || Lives { exits: vec![11.0, 12.0, 13.0], observed: vec![true; 3], entries: vec![10.0; 3] };
        let test = log_rank(&[early(), early(), late(), late()]).unwrap();
        assert_eq!(test.degrees_of_freedom, 2);
        assert_eq!(log_rank(&[early(), late()]), Err(LogRankFlaw::NoOverlap));
    }

    #[test]
    fn a_tiny_group_beside_large_ones_keeps_its_degree_of_freedom() {
        let large: Vec<f64> = (1..2000).map(f64::from).collect();
        let test = log_rank(&[lives(&large, &[]), lives(&[1.0], &[]), lives(&large, &[])]).unwrap();
        assert_eq!(test.degrees_of_freedom, 2);
        assert!(test.p_value.is_finite());
    }

    #[test]
    fn nothing_to_compare_is_a_reason() {
        let failed = || lives(&[1.0, 2.0], &[]);
        assert_eq!(log_rank(&[]), Err(LogRankFlaw::Lives(Flaw::Empty)));
        assert_eq!(log_rank(&[Lives::default(), Lives::default()]), Err(LogRankFlaw::Lives(Flaw::Empty)));
        assert_eq!(log_rank(&[failed()]), Err(LogRankFlaw::OneGroup));
        assert_eq!(log_rank(&[failed(), Lives::default()]), Err(LogRankFlaw::OneGroup));
        assert_eq!(log_rank(&[lives(&[], &[1.0]), lives(&[], &[2.0])]), Err(LogRankFlaw::NoFailures));
        assert_eq!(log_rank(&[failed(), lives(&[f64::NAN], &[])]), Err(LogRankFlaw::Lives(Flaw::Invalid)));
        let certain = lives(&[5.0], &[]);
        assert_eq!(log_rank(&[certain.clone(), certain]), Err(LogRankFlaw::NoOverlap));
        assert_eq!(LogRankFlaw::NoOverlap.name(), "no_overlap");
        assert_eq!(LogRankFlaw::Lives(Flaw::Invalid).name(), "invalid_duration");
    }

    proptest! {
        #[test]
        fn observed_equals_expected_in_total(one in rows(), other in rows(), last in rows()) {
            let groups = [from_rows(&one), from_rows(&other), from_rows(&last)];
            if let Ok(test) = log_rank(&groups) {
                let observed: usize = test.groups.iter().map(|group| group.observed).sum();
                let expected: f64 = test.groups.iter().map(|group| group.expected).sum();
                prop_assert!((observed as f64 - expected).abs() < 1e-9);
                prop_assert!(test.chi_square >= 0.0 && (0.0..=1.0).contains(&test.p_value));
            }
        }

        #[test]
        fn neither_order_of_rows_nor_of_groups_matters(
            (one, shuffled) in rows().prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle())),
            other in rows(),
            last in rows(),
        ) {
            let [other, last] = [from_rows(&other), from_rows(&last)];
            let plain = log_rank(&[from_rows(&one), other.clone(), last.clone()]);
            let permuted = log_rank(&[last, from_rows(&shuffled), other]);
            match (plain, permuted) {
                (Ok(plain), Ok(permuted)) => {
                    prop_assert_eq!(plain.degrees_of_freedom, permuted.degrees_of_freedom);
                    prop_assert!((plain.chi_square - permuted.chi_square).abs() <= 1e-9 * (1.0 + plain.chi_square));
                }
                (plain, permuted) => prop_assert_eq!(plain, permuted),
            }
        }
    }
}
