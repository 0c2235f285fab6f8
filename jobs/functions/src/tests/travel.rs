//! Rows in any order, in any number of partitions, and plans that are shipped: the same figures.

use datafusion_proto::physical_plan::{AsExecutionPlan, DefaultPhysicalExtensionCodec};
use datafusion_proto::protobuf::PhysicalPlanNode;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{column, number, rows as rows_of, session, table};
use crate::described;

/// Calls over columns (hours, failed, age, unit), each with a figure of its result.
const CALLS: [&str; 9] = [
    "weibull_fit(hours, failed, age, 'profile')['beta_upper']",
    "lognormal_fit(hours, failed, age)['sigma']",
    "exponential_fit(hours, failed, age)['rate']",
    "log_rank(hours, failed, unit, age)['chi_square']",
    "crow_amsaa(hours, 2000.0, unit)['beta']",
    "rate_homogeneity(unit, hours)['chi_square']",
    "weibull3_fit(hours, failed, age)['log_likelihood']",
    "summary_statistics(hours)['p95']",
    "summary_statistics([hours, null, age])['stddev']",
];

fn sample() -> Vec<String> {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let life = |random: &mut ChaCha8Rng| 1000.0 * (-random.random::<f64>().ln()).powf(1.0 / 1.8);
    let row = |index: usize| {
        let (hours, limit) = (life(&mut random), 300.0 + 1500.0 * random.random::<f64>());
        let age = if index.is_multiple_of(5) { 0.5 * hours.min(limit) } else { 0.0 };
        format!("({:?}, {}, {age:?}, {})", hours.min(limit), hours <= limit, index % 7)
    };
    (0..400).map(row).collect()
}

#[tokio::test]
async fn the_figures_do_not_depend_on_the_spread_or_the_order_of_rows() {
    let (one, many) = (session(1), session(64));
    let rows = sample();
    let mut shuffled = rows.clone();
    shuffled.shuffle(&mut ChaCha8Rng::seed_from_u64(1));
    for call in CALLS {
        let sql = |rows: &[String]| format!("select {call} from {}", table("lives", "hours, failed, age, unit", rows));
        let expected = number(&one, &sql(&rows)).await.unwrap();
        for (context, rows) in [(&many, &rows), (&one, &shuffled), (&many, &shuffled)] {
            let found = number(context, &sql(rows)).await.unwrap();
            assert!((found - expected).abs() <= 1e-9 * expected.abs(), "{call}: {found}, expected {expected}");
        }
    }
}

/// Each group by itself, however its rows are spread, filtered and sorted.
#[tokio::test]
async fn the_figures_of_a_group_are_those_of_its_rows_alone() {
    let one = session(1);
    let mut rows = sample();
    rows.push("(100.0, null, 0.0, 7)".to_owned());
    rows.shuffle(&mut ChaCha8Rng::seed_from_u64(2));
    let from = table("lives", "hours, failed, age, unit", &rows);
    let sorted = format!("(select * from {from} order by unit / 2)");
    let skipping = session(4);
    for option in ["rows_threshold", "ratio_threshold"] {
        rows_of(&skipping, &format!("set datafusion.execution.skip_partial_aggregation_probe_{option} = 0")).await;
    }
    for call in CALLS {
        let (function, figure) = call.split_once(")[").unwrap();
        let call = format!("{function}) filter (where unit <= 4)[{figure}");
        let mut expected = Vec::new();
        for pair in 0..4 {
            expected.push(number(&one, &format!("select {call} from {from} where unit / 2 = {pair}")).await);
        }
        assert!(expected[..2].iter().all(Option::is_some), "{call}");
        for (context, from) in [
            (&session(1), &from),
            (&session(64), &from),
            (&session(1), &sorted),
            (&session(4), &sorted),
            (&skipping, &from),
        ] {
            let sql = format!("select {call} as figure from {from} group by unit / 2 order by unit / 2");
            let found = column(context, &sql).await;
            assert_eq!(found.len(), expected.len(), "{sql}");
            for (pair, (found, expected)) in found.iter().zip(&expected).enumerate() {
                match (found, expected) {
                    (Some(found), Some(expected)) => {
                        assert!(
                            (found - expected).abs() <= 1e-9 * expected.abs(),
                            "{call} of {pair}: {found}, {expected}"
                        );
                    }
                    (found, expected) => assert_eq!(found, expected, "{call} of {pair}"),
                }
            }
        }
    }
}

#[tokio::test]
async fn every_function_survives_the_plan_codec() {
    // In one partition, where rows come in one order, results are equal to the last digit.
    let context = session(1);
    let from = table("lives", "hours, failed, age, unit", &sample()[..50]);
    let calls = [
        "crow_amsaa(hours, 2000.0, unit)",
        "cumulative_incidence(hours, unit, age)",
        "exponential_fit(hours, failed)",
        "kaplan_meier(hours, failed, age, 0.9)",
        "life_fit(hours, failed)",
        "log_rank(hours, failed, unit)",
        "lognormal_fit(hours, failed)",
        "mean_cumulative_function(hours, 2000.0, unit)",
        "mtbur_lower_bound(unit, hours)",
        "nelson_aalen(hours, failed)",
        "optimal_replacement(2.0, hours, 1, 5)",
        "poisson_quantile(hours, 0.95)",
        "poisson_rate(unit, hours)",
        "rate_homogeneity(unit, hours)",
        "shrunken_rates(unit, hours, unit)",
        "summary_statistics([hours, age, null])",
        "weibull3_fit(hours, failed)",
        "weibull_fit(hours, failed, age, 'profile')",
    ];
    let named: Vec<&str> = calls.iter().filter_map(|call| call.split('(').next()).collect();
    assert_eq!(named, described().iter().map(|function| function.name.as_str()).collect::<Vec<_>>());
    for call in calls {
        let frame = context.sql(&format!("select {call} as figure from {from}")).await.unwrap();
        let plan = frame.create_physical_plan().await.unwrap();
        let codec = DefaultPhysicalExtensionCodec {};
        let mut bytes = Vec::new();
        PhysicalPlanNode::try_from_physical_plan(plan.clone(), &codec).unwrap().try_encode(&mut bytes).unwrap();
        let back = PhysicalPlanNode::try_decode(&bytes).unwrap();
        let back = back.try_into_physical_plan(&context.task_ctx(), &codec).unwrap();
        let run = |plan| datafusion::physical_plan::collect(plan, context.task_ctx());
        assert_eq!(run(back).await.unwrap(), run(plan).await.unwrap(), "{call}");
    }
}

#[test]
fn every_function_is_documented_with_an_example() {
    for function in described() {
        let documentation = &function.documentation;
        assert!(documentation.description.len() > 80, "{}", function.name);
        assert!(documentation.syntax_example.starts_with(&function.name), "{}", function.name);
        let example = documentation.sql_example.as_deref().unwrap_or_default();
        assert!(example.contains(&function.name), "{}: {example}", function.name);
        assert!(documentation.arguments.iter().flatten().all(|(_, about)| !about.is_empty()), "{}", function.name);
    }
}
