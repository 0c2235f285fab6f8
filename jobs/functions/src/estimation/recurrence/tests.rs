//! The power law and the trend tests against published figures and second computations.

use proptest::prelude::*;

use super::{History, RecurrenceFlaw, Trend, crow_amsaa};
use crate::estimation::survival::testing::assert_close;

/// Reliability growth of one system, hours (ReliaWiki, "Crow-AMSAA (NHPP)"; `reliability`'s `system_growth`).
const GROWTH: [f64; 22] = [
    2.7, 10.3, 12.5, 30.6, 57.0, 61.3, 80.0, 109.5, 125.0, 128.6, 143.8, 167.9, 229.2, 296.7, 320.6, 328.2, 366.2,
    396.7, 421.1, 438.2, 501.2, 620.0,
];

fn until_failure(events: &[f64]) -> History {
    History { events: events.to_vec(), end: None }
}

fn until(end: f64, events: &[f64]) -> History {
    History { events: events.to_vec(), end: Some(end) }
}

#[test]
fn a_failure_truncated_growth_test_gives_the_published_figures() {
    // ReliaWiki; `reliability` 0.9.0 and surpyval 0.25; bounds from scipy's chi-squared.
    let fit = crow_amsaa(&[until_failure(&GROWTH)], 0.95).unwrap();
    assert_eq!((fit.systems, fit.events, fit.age), (1, 22, 620.0));
    assert_close(fit.beta, 0.6142104, 5e-8);
    assert_close(fit.lambda.unwrap(), 0.42394221, 1.2e-8);
    assert_close(fit.growth_rate, 0.38579, 1e-5);
    assert_close(fit.mtbf_cumulative, 28.181818, 1e-8);
    assert_close(fit.mtbf_instantaneous, 45.883, 1e-6);
    assert_close(fit.beta_unbiased.unwrap(), 0.55837309, 1e-8);
    let laplace = fit.laplace.unwrap();
    assert_close(laplace.statistic, -2.78316, 2e-6);
    assert_close(laplace.p_value, 0.00538323, 1e-6);
    let test = fit.mil_hdbk_189.unwrap();
    assert_close(test.chi_square, 71.6367, 1e-6);
    assert_eq!(test.degrees_of_freedom, 42);
    assert_close(test.p_value, 0.00587523, 1e-6);
    assert_eq!(fit.trend, Trend::Improving);
    let bounds = fit.beta_bounds.unwrap();
    assert_close(bounds.lower, 0.36292383102611, 1e-10);
    assert_close(bounds.upper, 0.86236195203837, 1e-10);
}

#[test]
fn ten_failures_give_the_figures_of_an_upstream_test() {
    // `reliability`, tests/test_Repairable_systems.py.
    let times = [10400.0, 26900.0, 43400.0, 66400.0, 89400.0, 130400.0, 163400.0, 232000.0, 242000.0, 340700.0];
    let fit = crow_amsaa(&[until_failure(&times)], 0.95).unwrap();
    assert_close(fit.beta, 0.741656619656656, 1e-12);
    assert_close(fit.lambda.unwrap(), 0.0007886414235385733, 1e-12);
    assert_close(fit.mtbf_instantaneous, 45937.70094814556, 1e-12);
    assert_close(fit.mtbf_cumulative, 34070.0, 1e-12);
    assert_eq!(fit.trend, Trend::Stable);
}

#[test]
fn three_systems_with_one_end_give_the_handbooks_estimates() {
    // MIL-HDBK-189, the simulated three systems to 200 hours (Crow 1975): beta 0.615, lambda 0.461. The test from
    // scipy, the bounds from the Hessian in mpmath.
    let systems = [
        until(200.0, &[4.3, 4.4, 10.2, 23.5, 23.8, 26.4, 74.0, 77.1, 92.1, 197.2]),
        until(200.0, &[0.1, 5.6, 18.6, 19.5, 24.2, 26.7, 45.1, 45.8, 75.7, 79.7, 98.6, 120.1, 161.8, 180.6, 190.8]),
        until(200.0, &[8.4, 32.5, 44.7, 48.4, 50.6, 73.6, 98.7, 112.2, 129.8, 136.0, 195.8]),
    ];
    let fit = crow_amsaa(&systems, 0.9).unwrap();
    assert!((fit.beta - 0.615).abs() < 5e-4);
    assert!((fit.lambda.unwrap() - 0.461).abs() < 5e-4);
    assert_close(fit.mtbf_cumulative, 200.0 / 12.0, 1e-12);
    let test = fit.mil_hdbk_189.unwrap();
    assert_close(test.chi_square, 117.00919567931481, 1e-12);
    assert_eq!(test.degrees_of_freedom, 72);
    assert_close(test.p_value, 0.0012692508877928592, 1e-9);
    assert_close(fit.beta_unbiased.unwrap(), fit.beta * 35.0 / 36.0, 1e-12);
    let bounds = fit.mtbf_instantaneous_bounds.unwrap();
    assert_close(bounds.lower, 18.380703787, 1e-9);
    assert_close(bounds.upper, 39.912631107, 1e-9);
}

#[test]
fn systems_with_different_ends_are_solved_numerically() {
    // The score by scipy's brentq, the Hessian by mpmath, the conditional test by scipy; made-up histories.
    let systems = [
        until(1000.0, &[100.0, 250.0, 400.0, 620.0, 900.0]),
        until(600.0, &[80.0, 300.0, 310.0]),
        until_failure(&[50.0, 500.0, 700.0, 1100.0, 1150.0]),
    ];
    let fit = crow_amsaa(&systems, 0.9).unwrap();
    assert_close(fit.beta, 0.984950738941, 1e-11);
    assert_close(fit.lambda.unwrap(), 0.00524093689256, 1e-10);
    assert_close(fit.mtbf_instantaneous, 215.396082424, 1e-10);
    assert_close(fit.mtbf_cumulative, 212.154530548, 1e-10);
    let of_mtbf = fit.mtbf_instantaneous_bounds.unwrap();
    assert_close(of_mtbf.lower, 107.242841493, 1e-9);
    assert_close(of_mtbf.upper, 432.620692232, 1e-9);
    let of_beta = fit.beta_bounds.unwrap();
    assert_close(of_beta.lower, 0.63247156617288, 1e-10);
    assert_close(of_beta.upper, 1.5338680978359, 1e-10);
    assert_close(fit.beta_unbiased.unwrap(), 0.8418625457800779, 1e-12);
    let test = fit.mil_hdbk_189.unwrap();
    assert_close(test.chi_square, 26.13253209835412, 1e-12);
    assert_eq!((test.degrees_of_freedom, fit.trend), (24, Trend::Stable));
    assert_close(test.p_value, 0.6929490836421877, 1e-10);
    assert_close(fit.laplace.unwrap().statistic, -0.400659087611261, 1e-12);
    assert_close(fit.laplace.unwrap().p_value, 0.688671136224826, 1e-10);
}

#[test]
fn bounds_hold_the_shape_also_where_systems_are_not_alike() {
    let systems = [until(1000.0, &[100.0, 250.0, 900.0]), until(10.0, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0])];
    let fit = crow_amsaa(&systems, 0.9).unwrap();
    let bounds = fit.beta_bounds.unwrap();
    assert!(bounds.lower < fit.beta && fit.beta < bounds.upper);
}

#[test]
fn time_truncation_counts_every_event() {
    let fit = crow_amsaa(&[until(700.0, &GROWTH)], 0.95).unwrap();
    assert_eq!(fit.mil_hdbk_189.unwrap().degrees_of_freedom, 44);
    assert_close(fit.beta_unbiased.unwrap(), fit.beta * 21.0 / 22.0, 1e-13);
    assert_close(fit.mil_hdbk_189.unwrap().chi_square, 44.0 / fit.beta, 1e-13);
}

#[test]
fn late_events_are_a_deterioration() {
    let fit = crow_amsaa(&[until(100.0, &[70.0, 80.0, 85.0, 90.0, 94.0, 97.0, 99.0])], 0.95).unwrap();
    assert!(fit.beta > 1.0 && fit.laplace.unwrap().statistic > 0.0);
    assert_eq!((fit.trend, fit.trend.name()), (Trend::Deteriorating, "deteriorating"));
}

#[test]
fn few_events_leave_the_trend_undetermined() {
    let one = crow_amsaa(&[until(100.0, &[40.0])], 0.95).unwrap();
    assert_eq!((one.trend, one.beta_unbiased), (Trend::Undetermined, None));
    assert_close(one.beta, 1.0 / (100.0_f64 / 40.0).ln(), 1e-14);
    let early = crow_amsaa(&[until(1e6, &[1.0, 2.0, 3.0])], 0.95).unwrap();
    assert_eq!(early.trend, Trend::Undetermined);
}

#[test]
fn systems_without_events_add_exposure_only() {
    let alone = crow_amsaa(&[until(500.0, &[100.0, 400.0])], 0.95).unwrap();
    let beside = crow_amsaa(&[until(500.0, &[100.0, 400.0]), until(500.0, &[])], 0.95).unwrap();
    assert_eq!((alone.beta, beside.systems), (beside.beta, 2));
    assert_close(beside.mtbf_cumulative, 2.0 * alone.mtbf_cumulative, 1e-14);
}

#[test]
fn degenerate_histories_give_a_reason() {
    let reason = |systems: &[History]| crow_amsaa(systems, 0.9).unwrap_err();
    assert_eq!(reason(&[]), RecurrenceFlaw::Empty);
    assert_eq!(reason(&[History::default()]), RecurrenceFlaw::Empty);
    assert_eq!(reason(&[until(9.0, &[])]), RecurrenceFlaw::NoEvents);
    assert_eq!(reason(&[until(9.0, &[0.0, 3.0])]), RecurrenceFlaw::EventAtZero);
    assert_eq!(reason(&[until(9.0, &[10.0])]), RecurrenceFlaw::EventAfterEnd);
    assert_eq!(reason(&[until_failure(&[5.0])]), RecurrenceFlaw::NoSpread);
    assert_eq!(reason(&[until(5.0, &[5.0, 5.0])]), RecurrenceFlaw::NoSpread);
    for bad in [-1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(reason(&[until(9.0, &[bad])]), RecurrenceFlaw::InvalidAge);
    }
    assert_eq!(reason(&[until(f64::MAX, &[1.0]), until(f64::MAX, &[])]), RecurrenceFlaw::OutOfRange);
    assert_eq!(crow_amsaa(&[until(9.0, &[1.0])], 1.0).unwrap_err(), RecurrenceFlaw::InvalidConfidence);
    assert_eq!(RecurrenceFlaw::NoSpread.name(), "events_only_at_end");
}

#[test]
fn extreme_ages_leave_only_finite_figures() {
    for (end, events) in
        [(1e300, [1e299, 9e299]), (1.0, [5e-324, 0.5]), (1e-300, [1e-301, 9e-301]), (1e9, [1e9 - 1e-6, 1e9 - 2e-6])]
    {
        let fit = crow_amsaa(&[until(end, &events)], 0.9).unwrap();
        let figures = [fit.beta, fit.mtbf_cumulative, fit.mtbf_instantaneous, fit.lambda.unwrap_or(0.0)];
        assert!(figures.iter().all(|figure| figure.is_finite()), "{fit:?}");
    }
}

fn histories() -> impl Strategy<Value = Vec<History>> {
    let system = (prop::collection::vec(0.01_f64..1000.0, 1..8), prop::option::of(0.0_f64..500.0));
    let system = system.prop_map(|(events, more)| {
        let end = more.map(|more| more + events.iter().copied().fold(0.0, f64::max));
        History { events, end }
    });
    prop::collection::vec(system, 1..8)
}

proptest! {
    #[test]
    fn order_of_systems_and_events_does_not_matter(
        (systems, shuffled) in histories().prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle()))
    ) {
        let mut shuffled = shuffled;
        for system in &mut shuffled {
            system.events.reverse();
        }
        match (crow_amsaa(&systems, 0.9), crow_amsaa(&shuffled, 0.9)) {
            (Ok(plain), Ok(permuted)) => {
                prop_assert!((plain.beta - permuted.beta).abs() <= 1e-9 * plain.beta);
                prop_assert!((plain.mtbf_instantaneous - permuted.mtbf_instantaneous).abs()
                    <= 1e-9 * plain.mtbf_instantaneous);
                prop_assert_eq!(plain.trend, permuted.trend);
            }
            (plain, permuted) => prop_assert_eq!(plain, permuted),
        }
    }

    #[test]
    fn expected_events_over_all_systems_are_those_seen(systems in histories()) {
        if let Ok(fit) = crow_amsaa(&systems, 0.9) {
            let at_age = fit.age / fit.mtbf_cumulative;
            let ends = systems.iter().filter_map(History::observation_end);
            let expected: f64 = ends.map(|end| at_age * (end / fit.age).powf(fit.beta)).sum();
            prop_assert!((expected - fit.events as f64).abs() <= 1e-9 * expected);
        }
    }
}
