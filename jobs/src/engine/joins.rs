//! Which joins hand their smaller side to every task, decided before rows are spread for them.
//!
//! Ballista decides it anew when it cuts a plan into stages. Where it then differs from DataFusion, whose operators below
//! the join are made for the other way, both sides are spread by their keys although one is handed to every task, or one
//! is gathered only to be spread again. Each costs a stage that writes all its rows once more.

use std::sync::Arc;

use ballista_core::config::BallistaConfig;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{JoinType, Result};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::joins::{HashJoinExec, PartitionMode};
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};

/// What Ballista takes a column of varying width for.
const TEXT_BYTES: usize = 32;

/// What costs less to hand to every task than to spread together with a side that is smaller still. A filter is taken to
/// keep one row of five where nothing is known of it, so that there may be five times as much.
const SMALL_BYTES: usize = 2 << 20;

/// Comes after DataFusion's rule that chooses the sides of joins.
#[derive(Debug)]
pub(super) struct BroadcastJoins;

impl PhysicalOptimizerRule for BroadcastJoins {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let most = config.extensions.get::<BallistaConfig>().map_or(0, BallistaConfig::broadcast_join_threshold_bytes);
        let decided = plan.transform_up(|node| match node.downcast_ref::<HashJoinExec>() {
            Some(join) if !join.null_aware => {
                Ok(decided(join, most)?.map_or_else(|| Transformed::no(node), Transformed::yes))
            }
            _ => Ok(Transformed::no(node)),
        })?;
        Ok(decided.data)
    }

    fn name(&self) -> &'static str {
        "broadcast_joins"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// The join as it is to be, if it is not so already. Its smaller side is handed to every task, on its left, unless that is
/// too large or would give rows of its own; then the other, if it is small too. Else both are spread.
fn decided(join: &HashJoinExec, most: usize) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let [left, right] = [join.left(), join.right()].map(|side| bytes(side).unwrap_or(usize::MAX));
    let most_of_right = if right < left { most } else { most.min(SMALL_BYTES) };
    if left <= right && left < most && is_driven_by_right(*join.join_type()) {
        return with_mode(join, PartitionMode::CollectLeft);
    }
    if right < most_of_right && join.join_type().supports_swap() && is_driven_by_right(join.join_type().swap()) {
        return join.swap_inputs(PartitionMode::CollectLeft).map(Some);
    }
    with_mode(join, PartitionMode::Partitioned)
}

fn with_mode(join: &HashJoinExec, mode: PartitionMode) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    if *join.partition_mode() == mode {
        return Ok(None);
    }
    Ok(Some(Arc::new(join.builder().with_partition_mode(mode).build()?)))
}

/// Whether no row comes of the left side alone: each task would give it.
fn is_driven_by_right(join_type: JoinType) -> bool {
    use JoinType::{Inner, Right, RightAnti, RightMark, RightSemi};
    matches!(join_type, Inner | Right | RightSemi | RightAnti | RightMark)
}

/// What the rows of a plan take, as Ballista estimates it, but for what is said of a join that keeps some of its rows: it is
/// taken for as many bytes as its larger side, however few rows are left.
fn bytes(plan: &Arc<dyn ExecutionPlan>) -> Option<usize> {
    let statistics = StatisticsContext::new().compute(plan.as_ref(), &StatisticsArgs::new()).ok()?;
    let schema = plan.schema();
    let width = schema.fields().iter().map(|field| match field.data_type() {
        DataType::Boolean => 1,
        kind => kind.primitive_width().unwrap_or(TEXT_BYTES),
    });
    let width = width.sum::<usize>().max(8);
    let by_rows = statistics.num_rows.get_value().filter(|rows| **rows > 0).map(|rows| rows.saturating_mul(width));
    let told = statistics.total_byte_size.get_value().copied().filter(|bytes| *bytes > 0);
    match plan.is::<HashJoinExec>() {
        true => by_rows.into_iter().chain(told).min(),
        false => told.or(by_rows),
    }
}

#[cfg(test)]
mod tests {
    use datafusion::physical_plan::displayable;
    use datafusion::prelude::SessionContext;

    use crate::engine::{runtime, session_config, session_state};
    use crate::storage::Stores;

    /// The plan of a join of 10 rows with 100 000, written to Parquet so that their sizes are known.
    async fn plan(join: &str, most_bytes: usize) -> String {
        let folder = tempfile::tempdir().unwrap();
        let config = session_config(3)
            .set_usize("ballista.optimizer.broadcast_join_threshold_bytes", most_bytes)
            .set_usize("datafusion.optimizer.repartition_file_min_size", 1);
        let context = SessionContext::new_with_state(session_state(config, runtime(Stores::new()).unwrap()).unwrap());
        for (table, rows) in [("few", 10), ("many", 100_000)] {
            let path = folder.path().join(table).to_string_lossy().into_owned() + "/";
            let copy =
                format!("copy (select value as id from generate_series(1, {rows})) to '{path}' stored as parquet");
            context.sql(&copy).await.unwrap().collect().await.unwrap();
            let create = format!("create external table {table} stored as parquet location '{path}'");
            context.sql(&create).await.unwrap();
        }
        let plan = context.sql(&format!("select * from {join}")).await.unwrap().create_physical_plan().await.unwrap();
        displayable(plan.as_ref()).indent(true).to_string()
    }

    #[tokio::test]
    async fn the_smaller_side_is_handed_to_every_task_and_the_other_is_not_spread() {
        for join in ["few join many on few.id = many.id", "many join few on few.id = many.id"] {
            let plan = plan(join, 1 << 20).await;
            assert!(
                plan.contains("mode=CollectLeft") && !plan.contains("RepartitionExec: partitioning=Hash"),
                "{plan}"
            );
        }
        let plan = plan("many left join few on few.id = many.id", 1 << 20).await;
        assert!(plan.contains("mode=CollectLeft, join_type=Right"), "{plan}");
    }

    #[tokio::test]
    async fn a_small_side_is_handed_out_where_the_smaller_one_gives_rows_of_its_own() {
        let plan = plan("few left join many on few.id = many.id", 1 << 20).await;
        assert!(plan.contains("mode=CollectLeft, join_type=Right"), "{plan}");
    }

    #[tokio::test]
    async fn a_side_that_is_too_large_or_gives_rows_of_its_own_is_spread() {
        let large = plan("few join many on few.id = many.id", 8).await;
        let own = plan("few full join many on few.id = many.id", 1 << 20).await;
        for plan in [large, own] {
            assert!(plan.contains("mode=Partitioned"), "{plan}");
            assert_eq!(plan.matches("RepartitionExec: partitioning=Hash").count(), 2, "{plan}");
            assert!(!plan.contains("CoalescePartitionsExec"), "{plan}");
        }
    }
}
