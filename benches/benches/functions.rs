//! Functions over many groups and over one large one, each as one SQL statement in this process.
//!
//! `cargo bench --workspace --bench functions`
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot be set up fails")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use fleet_benches::{lives, session};

/// Of each function a call over the columns of [`lives`].
const CALLS: [(&str, &str); 18] = [
    ("crow_amsaa", "crow_amsaa(hours, null, unit)['beta']"),
    ("cumulative_incidence", "cumulative_incidence(hours, case when failed then unit % 3 end)"),
    ("exponential_fit", "exponential_fit(hours, failed)['rate']"),
    ("kaplan_meier", "kaplan_meier(hours, failed)"),
    ("life_fit", "life_fit(hours, failed)"),
    ("log_rank", "log_rank(hours, failed, unit)['chi_square']"),
    ("lognormal_fit", "lognormal_fit(hours, failed)['sigma']"),
    ("mean_cumulative_function", "mean_cumulative_function(hours, null, unit)"),
    ("nelson_aalen", "nelson_aalen(hours, failed)"),
    ("rate_homogeneity", "rate_homogeneity(unit, hours)['chi_square']"),
    ("shrunken_rates", "shrunken_rates(unit, hours, cast(hours as bigint))"),
    ("summary_statistics", "summary_statistics(hours)['p95']"),
    ("weibull3_fit", "weibull3_fit(hours, failed)['gamma']"),
    ("weibull_fit", "weibull_fit(hours, failed)['eta']"),
    ("mtbur_lower_bound", "mtbur_lower_bound(unit, hours)"),
    ("optimal_replacement", "optimal_replacement(2.5, hours, 1.0, 5.0)['age']"),
    ("poisson_quantile", "poisson_quantile(hours / 100, 0.95)"),
    ("poisson_rate", "poisson_rate(unit, hours)['upper']"),
];
const GROUPS: usize = 1000;
const DURATIONS: usize = 50;

/// Each function, by itself: an aggregate of 1000 groups of 50 rows, or a scalar of as many rows.
fn each_function(c: &mut Criterion) {
    let tokio = tokio::runtime::Runtime::new().unwrap();
    let context = session(&lives(GROUPS, DURATIONS).unwrap(), 2).unwrap();
    let mut group = c.benchmark_group("each_function");
    group.sample_size(10);
    for function in fleet_functions::described() {
        let call = CALLS.iter().find(|(name, _)| *name == function.name);
        let (_, call) = call.ok_or(format!("{} is not measured: add it to CALLS", function.name)).unwrap();
        let sql = match function.aggregate {
            true => format!("select part, {call} as figure from lives group by part"),
            false => format!("select {call} as figure from lives"),
        };
        group.bench_function(&function.name, |bencher| {
            bencher.iter(|| tokio.block_on(async { black_box(context.sql(&sql).await?.collect().await) }).unwrap());
        });
    }
    group.finish();
}

/// As many groups as a fleet has, and one sample as large as a fleet's.
fn large_fits(c: &mut Criterion) {
    let tokio = tokio::runtime::Runtime::new().unwrap();
    let many = session(&lives(100_000, DURATIONS).unwrap(), 2).unwrap();
    let large = session(&lives(1, 10_000_000).unwrap(), 2).unwrap();
    let mut group = c.benchmark_group("functions");
    group.sample_size(10);
    for (name, context, sql) in [
        (
            "weibull_fit_of_100_000_groups_of_50",
            &many,
            "select count(fit['eta']) from (select part, weibull_fit(hours, failed) as fit from lives group by part)",
        ),
        (
            "weibull_fit_of_100_000_groups_of_50_profile",
            &many,
            "select count(fit['eta']) from (select part, weibull_fit(hours, failed, 'profile') as fit from lives group by part)",
        ),
        ("weibull_fit_of_10_million", &large, "select weibull_fit(hours, failed)['eta'] from lives"),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| tokio.block_on(async { black_box(context.sql(sql).await?.collect().await) }).unwrap());
        });
    }
    group.finish();
}

criterion_group!(benches, each_function, large_fits);
criterion_main!(benches);
