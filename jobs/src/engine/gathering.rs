//! Aggregates that gather their rows do so once.
//!
//! DataFusion has each part of its input grouped before groups are brought together. What gathers, as the functions of
//! reliability science do, hands on all its rows from there, a list a group or, where most groups are seen once, a list a
//! row: rows are hashed and grouped twice, and lists cost more to exchange than rows. So the rows themselves are exchanged.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::physical_expr::Partitioning;
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::{ExecutionPlan, InputOrderMode};

use super::first_rows::over;

/// Comes before DataFusion's rule that makes one of a partial and a final aggregate without an exchange in between.
#[derive(Debug)]
pub(super) struct GatherOnce;

impl PhysicalOptimizerRule for GatherOnce {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let gathered = plan.transform_up(|node| match exchange(&node).map(below) {
            Some(partial) => over(&node, partial?).map(Transformed::yes),
            None => Ok(Transformed::no(node)),
        })?;
        Ok(gathered.data)
    }

    fn name(&self) -> &'static str {
        "gather_once"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// A final aggregate's exchange and the partial one below it, if that hands on all rows.
fn exchange(node: &Arc<dyn ExecutionPlan>) -> Option<(&RepartitionExec, &Arc<dyn ExecutionPlan>, &AggregateExec)> {
    let last = node.downcast_ref::<AggregateExec>()?;
    let exchange = last.input().downcast_ref::<RepartitionExec>()?;
    let partial = exchange.input().downcast_ref::<AggregateExec>()?;
    let fits = *last.mode() == AggregateMode::FinalPartitioned
        && *partial.mode() == AggregateMode::Partial
        && *partial.input_order_mode() == InputOrderMode::Linear
        && partial.group_expr().is_single()
        && matches!(exchange.partitioning(), Partitioning::Hash(..))
        && !exchange.preserve_order()
        && partial.aggr_expr().iter().all(|function| function.order_bys().is_empty())
        && partial.aggr_expr().iter().any(|function| gathers(function));
    fits.then_some((exchange, exchange.input(), partial))
}

/// Whether what is handed on is lists of the rows' values. Of distinct values there may be fewer.
fn gathers(function: &AggregateFunctionExpr) -> bool {
    let lists = || function.state_fields().is_ok_and(|state| state.iter().all(|field| is_list(field.data_type())));
    !function.is_distinct() && lists()
}

fn is_list(kind: &DataType) -> bool {
    matches!(kind, DataType::List(_) | DataType::LargeList(_))
}

/// The partial aggregate with the exchange below it, by the same groups.
fn below(
    (exchange, node, partial): (&RepartitionExec, &Arc<dyn ExecutionPlan>, &AggregateExec),
) -> Result<Arc<dyn ExecutionPlan>> {
    let by = Partitioning::Hash(partial.group_expr().input_exprs(), exchange.partitioning().partition_count());
    let rows = RepartitionExec::try_new(Arc::clone(partial.input()), by)?;
    over(node, Arc::new(rows))
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::util::pretty::pretty_format_batches;
    use datafusion::execution::SessionStateBuilder;
    use datafusion::physical_plan::{collect, displayable};
    use datafusion::prelude::SessionContext;

    use crate::engine::{runtime, session_config, session_state};
    use crate::storage::Stores;

    /// The plan of a query over lives in some files, and its rows.
    async fn planned(context: &SessionContext, sql: &str) -> (String, String) {
        let plan = context.sql(sql).await.unwrap().create_physical_plan().await.unwrap();
        let rows = collect(plan.clone(), context.task_ctx()).await.unwrap();
        let rows = pretty_format_batches(&rows).unwrap().to_string();
        (displayable(plan.as_ref()).indent(true).to_string(), rows)
    }

    async fn contexts(folder: &std::path::Path) -> [SessionContext; 2] {
        let config =
            session_config(3).set_usize("datafusion.execution.skip_partial_aggregation_probe_rows_threshold", 100);
        let ours = session_state(config, runtime(Stores::new()).unwrap()).unwrap();
        let rules = ours.physical_optimizers().iter().filter(|rule| rule.name() != "gather_once").cloned().collect();
        let theirs = SessionStateBuilder::new_from_existing(ours.clone()).with_physical_optimizer_rules(rules).build();
        let contexts = [ours, theirs].map(SessionContext::new_with_state);
        for part in 0..3 {
            let path = folder.join(format!("lives/{part}.parquet")).to_string_lossy().into_owned();
            let rows = "select value % 500 as unit, value % 7 as kind, cast(1 + value % 113 as double) as duration,
                value % 3 > 0 as failed from generate_series(1, 4000)";
            let copy = format!("copy ({rows}) to '{path}' stored as parquet");
            contexts[0].sql(&copy).await.unwrap().collect().await.unwrap();
        }
        // In the catalogue that both have.
        let path = folder.join("lives").to_string_lossy().into_owned() + "/";
        let create = format!("create external table lives stored as parquet location '{path}'");
        contexts[0].sql(&create).await.unwrap();
        contexts
    }

    #[tokio::test]
    async fn rows_are_exchanged_and_gathered_once_and_the_figures_stay() {
        let folder = tempfile::tempdir().unwrap();
        let [ours, theirs] = contexts(folder.path()).await;
        for group in ["unit", "unit + kind", "cast(unit as varchar), kind"] {
            let sql = format!(
                "select {group}, round(weibull_fit(duration, failed)['eta'], 9) as eta,
                    sum(duration) filter (where failed) as hours, count(*) as lives
                from lives group by {group} order by {group}"
            );
            let (plan, rows) = planned(&ours, &sql).await;
            assert!(plan.contains("mode=SinglePartitioned") && !plan.contains("mode=Partial"), "{plan}");
            let (before, expected) = planned(&theirs, &sql).await;
            assert!(before.contains("mode=Partial"), "{before}");
            assert_eq!(rows, expected, "{sql}");
        }
    }

    #[tokio::test]
    async fn what_gets_smaller_by_grouping_is_grouped_first() {
        let folder = tempfile::tempdir().unwrap();
        let [ours, _] = contexts(folder.path()).await;
        for figure in ["sum(duration)", "count(distinct duration)", "approx_percentile_cont(duration, 0.5)"] {
            let (plan, _) = planned(&ours, &format!("select kind, {figure} from lives group by kind")).await;
            assert!(plan.contains("mode=Partial"), "{plan}");
        }
        let (plan, _) = planned(&ours, "select weibull_fit(duration, failed) from lives").await;
        assert!(plan.contains("mode=Partial"), "{plan}");
    }
}
