//! Samples that give no figures, and calls that are wrong.

use super::{nist, number, rows, session, table, text};

/// Every aggregate over lives, and what names its outcome.
const FITS: [&str; 4] = ["weibull_fit", "weibull3_fit", "lognormal_fit", "exponential_fit"];

#[tokio::test]
async fn an_unfit_sample_says_why_it_has_no_figures() {
    let context = session(2);
    for (lives, outcome) in [
        ("(100.0, false), (200.0, false)", "no_failures"),
        ("(100.0, true), (200.0, false)", "one_failure"),
        ("(100.0, true), (100.0, true), (100.0, true)", "all_equal"),
        ("(-1.0, true), (100.0, true), (120.0, true)", "invalid_duration"),
        ("('NaN'::double, true), (100.0, true), (120.0, true)", "invalid_duration"),
        ("('inf'::double, true), (100.0, true), (120.0, true)", "invalid_duration"),
        ("(0.0, true), (100.0, true), (120.0, true)", "failure_at_zero"),
    ] {
        let from = table("lives", "hours, failed", &[lives.to_owned()]);
        let sql = |figure: &str| format!("select weibull_fit(hours, failed)['{figure}'] from {from}");
        assert_eq!(text(&context, &sql("outcome")).await, outcome, "{lives}");
        assert_eq!(number(&context, &sql("eta")).await, None, "{lives}");
        assert_eq!(number(&context, &sql("b10_lower")).await, None, "{lives}");
    }
}

#[tokio::test]
async fn no_function_gives_nan_or_fails_on_degenerate_input() {
    let context = session(2);
    let samples = [
        "(0.0, true), (0.0, false)",
        "(1e-300, true), (1e300, true), (1.0, false)",
        "(5.0, true)",
        "(cast(null as double), true), (7.0, cast(null as boolean))",
        "(-5.0, true), ('NaN'::double, false), ('-inf'::double, true)",
    ];
    for lives in samples {
        let from = table("lives", "hours, failed", &[lives.to_owned()]);
        for function in FITS.iter().chain(&["life_fit", "kaplan_meier", "nelson_aalen"]) {
            let batches = rows(
                &context,
                &format!("select {function}(hours, failed, 0.0, 'profile') from {from}").replace(
                    // The curves take no kind of bounds.
                    ", 'profile'",
                    if function.ends_with("fit") { ", 'profile'" } else { "" },
                ),
            )
            .await;
            let shown = datafusion::arrow::util::pretty::pretty_format_batches(&batches).unwrap().to_string();
            assert!(!shown.contains("NaN") && !shown.contains("inf"), "{function} of {lives}:\n{shown}");
        }
        for call in
            ["crow_amsaa(hours, null)", "mean_cumulative_function(hours, null)", "rate_homogeneity(hours, hours)"]
        {
            let batches = rows(&context, &format!("select {call} from {from}")).await;
            let shown = datafusion::arrow::util::pretty::pretty_format_batches(&batches).unwrap().to_string();
            assert!(!shown.contains("NaN") && !shown.contains(": inf"), "{call} of {lives}:\n{shown}");
        }
    }
    for call in [
        "poisson_rate(-1, 10)['rate']",
        "poisson_rate(1.5, 10)['rate']",
        "poisson_rate(1, 0)['upper']",
        "mtbur_lower_bound(1, 'NaN'::double)",
        "poisson_quantile(-1, 0.95)",
        "optimal_replacement(0.8, 1000, 1, 5)['age']",
        "optimal_replacement(2, 1000, 5, 1)['age']",
    ] {
        assert_eq!(number(&context, &format!("select {call}")).await, None, "{call}");
    }
}

/// By row and in lists, of one group and of groups beside one that has numbers.
#[tokio::test]
async fn a_sample_without_numbers_counts_none_and_one_with_a_wrong_number_has_no_figures() {
    let context = session(2);
    for (samples, count) in [
        ("(0, cast(null as double))", 0.0),
        ("(0, cast(null as double[]))", 0.0),
        ("(0, cast([] as double[])), (0, [null, null]::double[])", 0.0),
        ("(0, 1.0), (0, 'NaN'::double)", 2.0),
        ("(0, [1.0, 'inf'::double, null]), (0, [2.0])", 3.0),
    ] {
        let other = if samples.contains('[') { "(1, [4.0])" } else { "(1, 4.0)" };
        let alone = table("samples", "part, sample", &[samples.to_owned()]);
        let beside = table("samples", "part, sample", &[samples.to_owned(), other.to_owned()]);
        for from in [alone, format!("{beside} where part = 0 group by part"), format!("{beside} group by part")] {
            let sql = |figure: &str| format!("select summary_statistics(sample)['{figure}'] as figure from {from}");
            let first = if from.contains("where") || !from.contains("group") { "" } else { " order by part limit 1" };
            assert_eq!(number(&context, &(sql("count") + first)).await, Some(count), "{from}");
            for figure in ["mean", "stddev", "min", "p05", "p50", "p95", "max"] {
                assert_eq!(number(&context, &(sql(figure) + first)).await, None, "{figure} of {from}");
            }
        }
    }
}

#[tokio::test]
async fn rows_that_lack_a_duration_or_an_end_do_not_count() {
    let context = session(2);
    let rows = ["(54, true)", "(187, true)", "(null, true)", "(500, null)", "(500, false)"].map(str::to_owned);
    let from = table("lives", "hours, failed", &rows);
    for (figure, expected) in [("failures", 2.0), ("suspensions", 1.0)] {
        let sql = format!("select weibull_fit(hours, failed)['{figure}'] from {from}");
        assert_eq!(number(&context, &sql).await, Some(expected));
    }
}

#[tokio::test]
async fn a_wrong_call_names_the_argument_and_what_was_expected() {
    let context = session(2);
    let lives = nist();
    for (call, says) in [
        ("weibull_fit(hours)", "`observed` is missing"),
        ("weibull_fit('long', failed)", "`duration` is Utf8, expected a number"),
        ("weibull_fit(hours, failed, 0, 'likely')", "`bounds`, expected one of 'wald', 'profile'"),
        ("weibull_fit(hours, failed, 0, 'wald', 1.5)", "`confidence`, expected a literal between 0 and 1"),
        ("weibull_fit(hours, failed, 0, 'wald', 0.9, 7)", "argument 6"),
        ("weibull_fit(distinct hours, failed)", "DISTINCT"),
        ("poisson_rate(hours)", "`exposure` is missing"),
        ("summary_statistics('long')", "`sample` is Utf8, expected a number or a list of numbers"),
        ("summary_statistics(['long'])", "expected a number or a list of numbers"),
    ] {
        let planned = context.sql(&format!("select {call} from {lives}")).await;
        let error = match planned {
            Err(error) => error.to_string(),
            Ok(frame) => frame.collect().await.unwrap_err().to_string(),
        };
        assert!(error.contains(says), "{call}: {error}");
    }
}
