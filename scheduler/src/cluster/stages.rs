//! What a plan would look like on the cluster, without running it.

use std::sync::Arc;

use ballista_core::JobId;
use ballista_scheduler::planner::{DefaultDistributedPlanner, DistributedPlanner};
use datafusion::physical_plan::{ExecutionPlan, displayable};
use datafusion::prelude::SessionConfig;

use crate::Error;

/// The stages that a physical plan is cut into, each as indented text.
pub fn planned_stages(plan: Arc<dyn ExecutionPlan>, config: &SessionConfig) -> Result<Vec<String>, Error> {
    let mut planner = DefaultDistributedPlanner::new();
    let job = JobId::from("plan".to_owned());
    let stages = planner.plan_query_stages(&job, plan, config.options()).map_err(Error::Start)?;
    Ok(stages.iter().map(|stage| displayable(stage.as_ref()).indent(false).to_string()).collect())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ballista_scheduler::state::task_builder::restrict_plan_to_partitions;
    use datafusion::arrow::datatypes::{DataType, Field, Schema};
    use datafusion::datasource::listing::PartitionedFile;
    use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
    use datafusion::datasource::source::DataSourceExec;
    use datafusion::execution::object_store::ObjectStoreUrl;
    use datafusion::physical_expr::expressions::Column;
    use datafusion::physical_plan::union::{InterleaveExec, UnionExec};
    use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties, Partitioning};

    /// Two files that declare to be shared out by a column.
    fn scan() -> Arc<dyn ExecutionPlan> {
        let schema = Arc::new(Schema::new(vec![Field::new("day", DataType::Date32, false)]));
        let file = |name: &str| FileGroup::new(vec![PartitionedFile::new(name, 1)]);
        let config =
            FileScanConfigBuilder::new(ObjectStoreUrl::local_filesystem(), Arc::new(ParquetSource::new(schema)))
                .with_file_groups(vec![file("one"), file("other")])
                .with_output_partitioning(Some(Partitioning::Hash(vec![Arc::new(Column::new("day", 0))], 2)))
                .build();
        DataSourceExec::from_data_source(config)
    }

    /// Which is why sessions keep unions (`prefer_existing_union`): where this fails, they need not.
    #[test]
    fn a_task_of_interleaved_scans_that_declare_how_they_are_shared_out_cannot_be_made() {
        let alone = restrict_plan_to_partitions(scan(), &[1]).unwrap();
        assert!(matches!(alone.output_partitioning(), Partitioning::UnknownPartitioning(1)));

        let interleaved = Arc::new(InterleaveExec::try_new(vec![scan(), scan()]).unwrap());
        let refused = restrict_plan_to_partitions(interleaved, &[1]).unwrap_err();
        assert!(refused.to_string().contains("InterleaveExec"), "{refused}");

        let union = UnionExec::try_new(vec![scan(), scan()]).unwrap();
        assert_eq!(restrict_plan_to_partitions(union, &[1]).unwrap().output_partitioning().partition_count(), 1);
    }
}
