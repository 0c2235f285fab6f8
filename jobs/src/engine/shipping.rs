//! Making a plan fit to be shipped: without shapes that DataFusion runs and Ballista stumbles over, and without what only
//! the planner needs.

use std::any::Any;
use std::sync::Arc;

use datafusion::arrow::array::{RecordBatch, RecordBatchOptions, new_null_array};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfig, FileScanConfigBuilder};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::Result;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{CaseExpr, Column, lit};
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::placeholder_row::PlaceholderRowExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::union::UnionExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};

/// Rewrites what Ballista would stumble over; the rows stay what they are.
pub(crate) fn shippable(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let rewritten = plan.transform_up(|node| {
        if let Some(rows) = rows_of_itself(&node) {
            return in_memory(&node, rows).map(Transformed::yes);
        }
        if node.is::<UnionExec>() && node.children().iter().any(|child| child.schema() != node.schema()) {
            return alike(&node).map(Transformed::yes);
        }
        Ok(without_statistics(&node).map_or_else(|| Transformed::no(node), Transformed::yes))
    })?;
    Ok(rewritten.data)
}

/// The scan without what is known of each of its files. Of many small files, that is most of the message.
fn without_statistics(node: &Arc<dyn ExecutionPlan>) -> Option<Arc<dyn ExecutionPlan>> {
    let source: &dyn Any = node.downcast_ref::<DataSourceExec>()?.data_source().as_ref();
    let scan = source.downcast_ref::<FileScanConfig>()?;
    let known = |file: &PartitionedFile| file.statistics.is_some();
    if !scan.file_groups.iter().flat_map(FileGroup::iter).any(known) {
        return None;
    }
    let plain = |file: &PartitionedFile| PartitionedFile { statistics: None, ..file.clone() };
    let groups = scan.file_groups.iter().map(|group| group.iter().map(plain).collect::<Vec<_>>().into());
    let groups = groups.collect();
    let scan = FileScanConfigBuilder::from(scan.clone()).with_file_groups(groups).build();
    Some(DataSourceExec::from_data_source(scan))
}

/// How many rows a leaf makes up by itself, if it is one that does.
fn rows_of_itself(node: &Arc<dyn ExecutionPlan>) -> Option<usize> {
    if node.is::<PlaceholderRowExec>() {
        return Some(1);
    }
    node.is::<EmptyExec>().then_some(0)
}

/// The leaf as a scan of memory. As itself it keeps no metrics and loses its partition count on the way to an executor:
/// below a union, tasks then report differing numbers of metrics for one stage, which the scheduler refuses, and the job
/// never ends.
fn in_memory(node: &Arc<dyn ExecutionPlan>, rows: usize) -> Result<Arc<dyn ExecutionPlan>> {
    let schema = node.schema();
    let arrays = schema.fields().iter().map(|field| new_null_array(field.data_type(), rows)).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    let batch = RecordBatch::try_new_with_options(Arc::clone(&schema), arrays, &options)?;
    let partitions = vec![vec![batch]; node.output_partitioning().partition_count()];
    Ok(DataSourceExec::from_data_source(MemorySourceConfig::try_new(&partitions, schema, None)?))
}

/// The union with inputs that agree on which columns can be null. Where they do not, a union casts them each time it is
/// built anew, which Ballista does at every step, and the plans of scheduler and executor drift apart.
fn alike(union: &Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let schema = union.schema();
    let mut inputs = Vec::new();
    for child in union.children() {
        let mut columns = Vec::new();
        for (place, (from, to)) in child.schema().fields().iter().zip(schema.fields()).enumerate() {
            let column: Arc<dyn PhysicalExpr> = Arc::new(Column::new(from.name(), place));
            let column = if to.is_nullable() && !from.is_nullable() { nullable(column)? } else { column };
            columns.push((column, to.name().clone()));
        }
        inputs.push(Arc::new(ProjectionExec::try_new(columns, Arc::clone(child))?) as Arc<dyn ExecutionPlan>);
    }
    UnionExec::try_new(inputs)
}

/// The same values, of a type that could be null: a case without an else.
fn nullable(column: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
    Ok(Arc::new(CaseExpr::try_new(None, vec![(lit(true), column)], None)?))
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::SessionContext;

    use super::*;

    #[tokio::test]
    async fn inputs_of_a_union_come_to_agree() {
        let context = SessionContext::new();
        let sql = "select * from (values (1), (null)) as t(n) union all select 2 as n";
        let plan = context.sql(sql).await.unwrap().create_physical_plan().await.unwrap();
        let plan = shippable(plan).unwrap();
        let mut unions = 0;
        plan.apply(|node| {
            if node.is::<UnionExec>() {
                unions += 1;
                assert!(node.children().iter().all(|child| child.schema() == node.schema()));
            }
            Ok(datafusion::common::tree_node::TreeNodeRecursion::Continue)
        })
        .unwrap();
        assert_eq!(unions, 1);
        let rows = datafusion::physical_plan::collect(plan, context.task_ctx()).await.unwrap();
        assert_eq!(rows.iter().map(RecordBatch::num_rows).sum::<usize>(), 3);
    }

    #[tokio::test]
    async fn what_is_known_of_files_stays_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_string_lossy().into_owned() + "/";
        let context = SessionContext::new();
        let copy = format!("copy (select value from generate_series(1, 10)) to '{path}' stored as parquet");
        context.sql(&copy).await.unwrap().collect().await.unwrap();
        let sql = format!("create external table numbers stored as parquet location '{path}'");
        context.sql(&sql).await.unwrap();
        let plan = context.sql("select * from numbers").await.unwrap().create_physical_plan().await.unwrap();
        assert!(without_statistics(&plan).is_some());
        let plan = shippable(plan).unwrap();
        assert!(without_statistics(&plan).is_none());
        let rows = datafusion::physical_plan::collect(plan, context.task_ctx()).await.unwrap();
        assert_eq!(rows.iter().map(RecordBatch::num_rows).sum::<usize>(), 10);
    }
}
