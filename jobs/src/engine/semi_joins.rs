//! Semi joins with few groups (`… where key in (select key … group by key having …)`) are made before the joins below them, so that
//! these join only what is left. DataFusion leaves them on top, and makes up for it within one plan by filters that
//! joins pass to scans, which stages cannot pass on.

use std::sync::Arc;

use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, JoinType, Result};
use datafusion::logical_expr::{Expr, Join, LogicalPlan};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};

type Rules = Vec<Arc<dyn OptimizerRule + Send + Sync>>;

/// The rules with ours after the one that brings filters to the joins.
pub(super) fn with_semi_joins(mut rules: Rules) -> Rules {
    let place = rules.iter().position(|rule| rule.name() == "push_down_filter").map_or(rules.len(), |place| place + 1);
    rules.insert(place, Arc::new(PushDownSemiJoins));
    rules
}

#[derive(Debug)]
struct PushDownSemiJoins;

impl OptimizerRule for PushDownSemiJoins {
    fn name(&self) -> &'static str {
        "push_down_semi_joins"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::TopDown)
    }

    fn rewrite(&self, plan: LogicalPlan, _config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Join(semi) = &plan else { return Ok(Transformed::no(plan)) };
        let LogicalPlan::Join(inner) = semi.left.as_ref() else { return Ok(Transformed::no(plan)) };
        let fits = semi.join_type == JoinType::LeftSemi
            && semi.filter.is_none()
            && inner.join_type == JoinType::Inner
            && is_of_few_groups(&semi.right);
        if !fits {
            return Ok(Transformed::no(plan));
        }
        let pushed = if keys_are_of(semi, &inner.left) {
            joined(inner, below(semi, &inner.left)?, (*inner.right).clone())?
        } else if keys_are_of(semi, &inner.right) {
            joined(inner, (*inner.left).clone(), below(semi, &inner.right)?)?
        } else {
            return Ok(Transformed::no(plan));
        };
        Ok(Transformed::yes(pushed))
    }
}

/// Groups of which a condition keeps some.
fn is_of_few_groups(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Projection(projection) => is_of_few_groups(&projection.input),
        LogicalPlan::SubqueryAlias(alias) => is_of_few_groups(&alias.input),
        LogicalPlan::Filter(filter) => is_of_groups(&filter.input),
        _ => false,
    }
}

fn is_of_groups(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Projection(projection) => is_of_groups(&projection.input),
        LogicalPlan::SubqueryAlias(alias) => is_of_groups(&alias.input),
        LogicalPlan::Aggregate(aggregate) => !aggregate.group_expr.is_empty(),
        _ => false,
    }
}

fn keys_are_of(semi: &Join, side: &LogicalPlan) -> bool {
    let is_of = |key: &Expr| key.column_refs().into_iter().all(|column: &Column| side.schema().has_column(column));
    semi.on.iter().all(|(key, _)| is_of(key))
}

fn below(semi: &Join, side: &Arc<LogicalPlan>) -> Result<LogicalPlan> {
    let mut semi = semi.clone();
    semi.left = Arc::clone(side);
    LogicalPlan::Join(semi).recompute_schema()
}

fn joined(inner: &Join, left: LogicalPlan, right: LogicalPlan) -> Result<LogicalPlan> {
    LogicalPlan::Join(Join { left: Arc::new(left), right: Arc::new(right), ..inner.clone() }).recompute_schema()
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::util::pretty::pretty_format_batches;
    use datafusion::prelude::SessionContext;

    use crate::engine::{runtime, session_config, session_state};
    use crate::storage::Stores;

    const TABLES: [&str; 2] = [
        "create table flights as select value as flight, value % 10 as tail from generate_series(1, 100)",
        "create table legs as select value % 100 as flight, value as hours from generate_series(1, 1000)",
    ];
    const SQL: &str = "select tail, sum(hours) from flights join legs on flights.flight = legs.flight
        where flights.flight in (select flight from legs group by flight having sum(hours) > 5300) group by tail order by tail";

    async fn context_of(state: datafusion::execution::SessionState) -> SessionContext {
        let context = SessionContext::new_with_state(state);
        for sql in TABLES {
            context.sql(sql).await.unwrap().collect().await.unwrap();
        }
        context
    }

    #[tokio::test]
    async fn few_groups_are_met_below_the_other_joins_and_the_rows_stay_the_same() {
        let context = context_of(session_state(session_config(2), runtime(Stores::new()).unwrap()).unwrap()).await;
        let query = context.sql(SQL).await.unwrap();
        let plan = query.clone().into_optimized_plan().unwrap().display_indent().to_string();
        let place = |what: &str| plan.find(what).unwrap_or_else(|| panic!("{what} in {plan}"));
        assert!(place("Inner Join") < place("LeftSemi Join"), "{plan}");
        assert_eq!(plan.matches("LeftSemi Join").count(), 1, "{plan}");
        let rows = pretty_format_batches(&query.collect().await.unwrap()).unwrap().to_string();

        let plain = context_of(SessionContext::new().state()).await;
        let expected = plain.sql(SQL).await.unwrap().collect().await.unwrap();
        assert_eq!(rows, pretty_format_batches(&expected).unwrap().to_string());
        assert!(expected[0].num_rows() > 1);
    }

    #[tokio::test]
    async fn a_semi_join_with_rows_that_no_condition_has_thinned_stays() {
        let context = context_of(session_state(session_config(2), runtime(Stores::new()).unwrap()).unwrap()).await;
        let sql = SQL.replace("group by flight having sum(hours) > 5300", "");
        let plan = context.sql(&sql).await.unwrap().into_optimized_plan().unwrap().display_indent().to_string();
        assert!(plan.find("LeftSemi Join") < plan.find("Inner Join"), "{plan}");
    }
}
