//! Published figures, through SQL.

use super::{assert_close, nist, number, session, table, text};

#[tokio::test]
async fn laws_fitted_in_sql_have_the_published_figures() {
    let context = session(4);
    let lives = nist();
    // NIST/SEMATECH e-Handbook of Statistical Methods, 8.4.1.3.
    for (figure, expected, relative) in [
        ("weibull_fit(hours, failed)['eta']", 606.5280, 1e-6),
        ("weibull_fit(hours, failed)['beta']", 1.7208, 5e-5),
        ("weibull_fit(hours, failed)['eta_standard_error']", 124.9106, 1e-5),
        ("weibull_fit(hours, failed)['beta_standard_error']", 0.502151, 1e-5),
        ("weibull_fit(hours, failed)['covariance']", -28.3136, 1e-5),
        ("weibull_fit(hours, failed)['log_likelihood']", -75.13462, 1e-6),
        ("weibull_fit(hours, failed)['eta_lower']", 405.0893, 1e-6),
        ("weibull_fit(hours, failed)['mean']", 540.737, 1e-5),
        ("lognormal_fit(hours, failed)['aic']", 154.39254, 1e-6),
        ("exponential_fit(hours, failed)['aic']", 155.11138, 1e-6),
    ] {
        assert_close(number(&context, &format!("select {figure} from {lives}")).await, expected, relative, figure);
    }
    let best = format!(
        "select fit['distribution'] from (select unnest(life_fit(hours, failed)) as fit from {lives}) where fit['best']"
    );
    assert_eq!(text(&context, &best).await, "weibull2");
}

#[tokio::test]
async fn rates_and_replacement_have_their_known_figures() {
    let context = session(1);
    for (sql, expected, relative) in [
        // Chi-squared limits of a Poisson count (Garwood 1936).
        ("select 1000 * poisson_rate(3, 10000)['lower']", 0.061_867_2, 1e-6),
        ("select 1000 * poisson_rate(3, 10000)['upper']", 0.876_727_3, 1e-6),
        ("select 1000 * poisson_rate(0, 5000)['upper']", 0.737_775_9, 1e-6),
        ("select mtbur_lower_bound(3, 10000)", 1496.8305, 1e-7),
        ("select mtbur_lower_bound(0, 5000)", 2171.4724, 1e-7),
        ("select poisson_quantile(4.2, 0.95)", 8.0, 0.0),
        // Weibull lives of shape 2.5 and scale 1000, costs 1 and 5: by quadrature and search.
        ("select optimal_replacement(2.5, 1000, 1, 5)['age']", 493.046_957_6, 1e-7),
        ("select optimal_replacement(2.5, 1000, 1, 5)['cost_rate']", 0.003_462_042_74, 1e-8),
        ("select optimal_replacement(2.5, 1000, 1, 5)['run_to_failure_cost_rate']", 0.005_635_302_49, 1e-8),
        ("select optimal_replacement(2.5, 1000, 1, 5)['minimal_repair_age']", 446.658_388_4, 1e-8),
    ] {
        assert_close(number(&context, sql).await, expected, relative, sql);
    }
}

#[tokio::test]
async fn a_repairable_system_has_the_published_power_law() {
    let context = session(2);
    // Twenty-two failures of one system in 620 hours, failure truncated (Crow's example of reliability growth).
    let times = [
        2.7, 10.3, 12.5, 30.6, 57.0, 61.3, 80.0, 109.5, 125.0, 128.6, 143.8, 167.9, 229.2, 296.7, 320.6, 328.2, 366.2,
        396.7, 421.1, 438.2, 501.2, 620.0,
    ];
    let from = table("failures", "hours", &times.map(|hours| format!("({hours})")));
    for (figure, expected, relative) in [
        ("beta", 0.614_210_4, 1e-6),
        ("lambda", 0.423_942_21, 1e-6),
        ("beta_unbiased", 0.558_373_09, 1e-6),
        ("mtbf_cumulative", 28.181_818, 1e-6),
        ("mtbf_instantaneous", 45.883, 1e-5),
        ("laplace_u", -2.783_16, 1e-5),
        ("mil_hdbk_189_chi2", 71.6367, 1e-5),
        ("mil_hdbk_189_degrees_of_freedom", 42.0, 0.0),
    ] {
        let sql = format!("select crow_amsaa(hours, null)['{figure}'] from {from}");
        assert_close(number(&context, &sql).await, expected, relative, figure);
    }
    assert_eq!(text(&context, &format!("select crow_amsaa(hours, null)['trend'] from {from}")).await, "improving");
}

#[tokio::test]
async fn several_systems_have_the_published_mean_cumulative_function() {
    let context = session(3);
    // Five systems, the last time of each its retirement (ReliaWiki, recurrent event data analysis).
    let systems = [&[5, 10, 15, 17][..], &[6, 13, 17, 19], &[12, 20, 25, 26], &[13, 15, 24], &[16, 22, 25, 28]];
    let mut rows = Vec::new();
    for (system, times) in systems.iter().enumerate() {
        let (end, events) = times.split_last().unwrap();
        rows.extend(events.iter().map(|time| format!("({time}, {end}, {system})")));
    }
    let from = table("events", "hours, until, system", &rows);
    for (hours, expected) in
        [(5, 0.2), (10, 0.6), (13, 1.2), (15, 1.6), (20, 2.333_333), (22, 2.666_667), (25, 3.666_667)]
    {
        let sql = format!(
            "select step['mean'] from (select unnest(mean_cumulative_function(hours, until, system)) as step from {from}) \
             where step['time'] = {hours}"
        );
        assert_close(number(&context, &sql).await, expected, 1e-6, &format!("at {hours}"));
    }
}

#[tokio::test]
async fn groups_are_compared_and_modes_compete() {
    let context = session(2);
    // Remission of leukaemia under 6-MP and placebo (Freireich and others 1963).
    let with_drug = [6, 6, 6, 7, 10, 13, 16, 22, 23].map(|weeks| format!("({weeks}, true, 'drug')"));
    let going_on = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35].map(|weeks| format!("({weeks}, false, 'drug')"));
    let placebo = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]
        .map(|weeks| format!("({weeks}, true, 'placebo')"));
    let rows: Vec<String> = with_drug.into_iter().chain(going_on).chain(placebo).collect();
    let from = table("remissions", "weeks, relapsed, treatment", &rows);
    let sql = format!("select log_rank(weeks, relapsed, treatment)['chi_square'] from {from}");
    assert_close(number(&context, &sql).await, 16.793, 1e-4, "log-rank");
    let sql = format!(
        "select step['survival'] from (select unnest(kaplan_meier(weeks, relapsed)) as step from {from} where treatment = 'drug') \
         where step['time'] = 7"
    );
    assert_close(number(&context, &sql).await, 0.8067, 1e-4, "survival at 7 weeks");
    // Without suspensions each mode's incidence ends at its share.
    let from = table(
        "ends",
        "hours, cause",
        &["(1, 'wear')", "(2, 'shock')", "(3, 'wear')", "(4, 'wear')"].map(str::to_owned),
    );
    let sql = format!(
        "select max(step['incidence']) from (select unnest(cumulative_incidence(hours, cause)) as step from {from}) \
         where step['mode'] = 'wear'"
    );
    assert_close(number(&context, &sql).await, 0.75, 1e-12, "incidence");
}

/// The numbers from 1 to 10 by row, in lists of any length, and both ways by group.
#[tokio::test]
async fn a_sample_by_row_and_one_in_lists_have_the_known_figures() {
    let by_row = table("samples", "sample", &[7, 1, 10, 3, 5, 4, 2, 9, 8, 6].map(|number| format!("({number})")));
    let lists = ["([7.0, null, 1.0, 10.0])", "([3, 5, 4, 2, 9])", "(null)", "([8, 6])", "([null])", "([])"];
    let lists = table("samples", "sample", &lists.map(str::to_owned));
    // NumPy's `percentile` and `std(ddof=1)`.
    let known = [
        ("count", 10.0),
        ("mean", 5.5),
        ("stddev", 3.0276503540974917),
        ("min", 1.0),
        ("p05", 1.45),
        ("p50", 5.5),
        ("p95", 9.55),
        ("max", 10.0),
    ];
    for (context, from) in [(session(1), &by_row), (session(4), &by_row), (session(1), &lists), (session(4), &lists)] {
        for (figure, expected) in known {
            for grouped in ["", " group by 'all of them'"] {
                let sql = format!("select summary_statistics(sample)['{figure}'] from {from}{grouped}");
                assert_close(number(&context, &sql).await, expected, 1e-15, &sql);
            }
        }
    }
}

#[tokio::test]
async fn small_groups_are_drawn_towards_the_common_rate() {
    let context = session(2);
    let rows = ["(12, 1000, 'a')", "(3, 1000, 'b')", "(1, 1000, 'c')", "(0, 100, 'd')"].map(str::to_owned);
    let from = table("tails", "failures, hours, tail", &rows);
    let of = |figure: &str| {
        format!(
            "select rate['{figure}'] from (select unnest(shrunken_rates(failures, hours, tail)) as rate from {from}) \
             where rate['group'] = 'd'"
        )
    };
    assert_eq!(number(&context, &of("raw_rate")).await, Some(0.0));
    let (rate, pooled) =
        (number(&context, &of("rate")).await.unwrap(), number(&context, &of("pooled_rate")).await.unwrap());
    assert!(rate > 0.0 && rate < pooled, "{rate} of {pooled}");
    let sql = format!("select rate_homogeneity(failures, hours)['p_value'] from {from}");
    assert!(number(&context, &sql).await.unwrap() < 0.01);
}
