//! Functions of reliability science and statistics, callable from SQL on every process.
//!
//! What a function computes is in `estimation`, plain Rust that knows no SQL. Its face is a file of its own, in the folder
//! of its subject; what all faces share is in `sql`.

pub mod estimation;
mod reliability;
mod sql;
mod statistics;
#[cfg(test)]
mod tests;

use std::sync::{Arc, LazyLock};

use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::{AggregateUDF, Documentation, ScalarUDF};

use reliability::{
    CrowAmsaaFit, CumulativeIncidence, ExponentialFit, KaplanMeier, LifeFit, LogRankTest, LognormalFit,
    MeanCumulativeFunction, NelsonAalen, Weibull3Fit, WeibullFit,
};
use sql::{Aggregate, Scalar};
use statistics::{
    MtburLowerBound, OptimalReplacement, PoissonQuantile, PoissonRate, RateHomogeneity, ShrunkenRates,
    SummaryStatistics,
};

/// To be raised whenever a function gives other figures for the same rows: tables computed with it are then computed anew.
pub const REVISION: u32 = 1;

/// Whether a query may call a function of ours: whether its text has the name of one.
pub fn called_in(sql: &str) -> bool {
    static NAMES: LazyLock<Vec<String>> =
        LazyLock::new(|| described().into_iter().map(|function| function.name).collect());
    NAMES.iter().any(|name| sql.contains(name.as_str()))
}

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
    /// The figures of its result by name, where it has several.
    pub figures: Option<String>,
    pub documentation: Documentation,
}

/// Every function of ours, by name.
pub fn described() -> Vec<Described> {
    let aggregates = aggregates();
    let aggregates = aggregates.iter().map(|it| (it.name(), true, it.return_type(&[]), it.documentation()));
    let scalars = scalars();
    let scalars = scalars.iter().map(|it| (it.name(), false, it.return_type(&[]), it.documentation()));
    let describe =
        |(name, aggregate, returns, documentation): (&str, bool, Result<DataType>, Option<&Documentation>)| {
            Some(Described {
                name: name.to_owned(),
                aggregate,
                figures: returns.ok().and_then(|data_type| figure_names(&data_type)),
                documentation: documentation?.clone(),
            })
        };
    let mut described: Vec<Described> = aggregates.chain(scalars).filter_map(describe).collect();
    described.sort_by(|one, other| one.name.cmp(&other.name));
    described
}

fn figure_names(data_type: &DataType) -> Option<String> {
    match data_type {
        DataType::Struct(fields) => {
            Some(fields.iter().map(|field| field.name().as_str()).collect::<Vec<_>>().join(", "))
        }
        DataType::List(item) => Some(format!("rows of {}", figure_names(item.data_type())?)),
        _ => None,
    }
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
        Aggregate::<SummaryStatistics>::function(),
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
