//! Functions of reliability science and statistics, callable from SQL on every process.
//!
//! What a function computes is in `estimation`, plain Rust that knows no SQL. Its face is a file of its own, in the folder
//! of its subject; what all faces share is in `sql`.

pub mod estimation;
mod reliability;
mod sql;
mod statistics;

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::{AggregateUDF, Documentation, ScalarUDF};

use reliability::{
    CrowAmsaaFit, CumulativeIncidence, ExponentialFit, KaplanMeier, LifeFit, LogRankTest, LognormalFit,
    MeanCumulativeFunction, NelsonAalen, Weibull3Fit, WeibullFit,
};
use sql::{Aggregate, Scalar};
use statistics::{MtburLowerBound, OptimalReplacement, PoissonQuantile, PoissonRate, RateHomogeneity, ShrunkenRates};

/// Adds every function to a session. The client, the scheduler and the executors all call this.
pub fn register_all(registry: &mut dyn FunctionRegistry) -> Result<()> {
    for function in aggregates() {
        registry.register_udaf(function)?;
    }
    for function in scalars() {
        registry.register_udf(function)?;
    }
    Ok(())
}

/// What a function is for, for people.
#[derive(Clone, Debug)]
pub struct Described {
    pub name: String,
    pub aggregate: bool,
    pub documentation: Documentation,
}

/// Every function of ours, by name.
pub fn described() -> Vec<Described> {
    let describe = |name: &str, aggregate: bool, documentation: Option<&Documentation>| {
        documentation.map(|text| Described { name: name.to_owned(), aggregate, documentation: text.clone() })
    };
    let aggregates = aggregates();
    let scalars = scalars();
    let aggregates = aggregates.iter().filter_map(|function| describe(function.name(), true, function.documentation()));
    let scalars = scalars.iter().filter_map(|function| describe(function.name(), false, function.documentation()));
    let mut described: Vec<Described> = aggregates.chain(scalars).collect();
    described.sort_by(|one, other| one.name.cmp(&other.name));
    described
}

fn aggregates() -> Vec<Arc<AggregateUDF>> {
    vec![
        Aggregate::<CrowAmsaaFit>::function(),
        Aggregate::<CumulativeIncidence>::function(),
        Aggregate::<ExponentialFit>::function(),
        Aggregate::<KaplanMeier>::function(),
        Aggregate::<LifeFit>::function(),
        Aggregate::<LogRankTest>::function(),
        Aggregate::<LognormalFit>::function(),
        Aggregate::<MeanCumulativeFunction>::function(),
        Aggregate::<NelsonAalen>::function(),
        Aggregate::<RateHomogeneity>::function(),
        Aggregate::<ShrunkenRates>::function(),
        Aggregate::<Weibull3Fit>::function(),
        Aggregate::<WeibullFit>::function(),
    ]
}

fn scalars() -> Vec<Arc<ScalarUDF>> {
    vec![
        Scalar::<MtburLowerBound>::function(),
        Scalar::<OptimalReplacement>::function(),
        Scalar::<PoissonQuantile>::function(),
        Scalar::<PoissonRate>::function(),
    ]
}
