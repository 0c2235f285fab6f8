//! What is computed of a partitioned table a partition at a time.
//!
//! Where a scan is shared out by partition, the files of a partition follow each other in one part of it. What is grouped by
//! the partition is then done with one before the next, and holds no more than that. A union puts its inputs' parts one
//! beside the other, so that whoever needs the rows of one partition together would exchange and sort them all; where each
//! input has a partition's rows in the same part, and in the same order, merging these parts is enough.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use datafusion::arrow::compute::SortOptions;
use datafusion::arrow::datatypes::Schema;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, internal_datafusion_err};
use datafusion::datasource::physical_plan::{FileScanConfig, FileScanConfigBuilder};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{EquivalenceProperties, LexOrdering, PhysicalExpr, PhysicalSortExpr};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, EmissionType, ReplaceChildrenOptions};
use datafusion::physical_plan::filter_pushdown::{FilterDescription, FilterPushdownPhase};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::sorts::streaming_merge::StreamingMergeBuilder;
use datafusion::physical_plan::union::UnionExec;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, InputOrderMode, Partitioning, PlanProperties,
    SendableRecordBatchStream,
};

use super::first_rows::over;

/// How partitions follow one another: as `order by` has them.
pub(super) const PARTITION_ORDER: SortOptions = SortOptions { descending: false, nulls_first: false };

/// Lets groupings by the partition of a scan know that its partitions follow one another. The last rule of all: whoever knew of the
/// order before could have it kept by an exchange, and Ballista's keeps none.
#[derive(Debug)]
pub(super) struct PartitionsInOrder;

impl PhysicalOptimizerRule for PartitionsInOrder {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let ordered = plan.transform_up(|node| {
            let grouping = node.downcast_ref::<AggregateExec>().filter(|grouping| {
                matches!(grouping.mode(), AggregateMode::Single | AggregateMode::SinglePartitioned)
                    && *grouping.input_order_mode() == InputOrderMode::Linear
            });
            let Some(input) = grouping.map(|grouping| in_order(grouping.input())).transpose()?.flatten() else {
                return Ok(Transformed::no(node));
            };
            let ordered = over(&node, input)?;
            let helps = ordered
                .downcast_ref::<AggregateExec>()
                .is_some_and(|grouping| *grouping.input_order_mode() != InputOrderMode::Linear);
            Ok(if helps { Transformed::yes(ordered) } else { Transformed::no(node) })
        })?;
        Ok(ordered.data)
    }

    fn name(&self) -> &'static str {
        "partitions_in_order"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// Whether a plan computes what it does a partition at a time, so that its tasks hold no more for reading more.
pub(super) fn is_partitionwise(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let has = |is: fn(&Arc<dyn ExecutionPlan>) -> bool| plan.exists(|node| Ok(is(node))).unwrap_or(false);
    plan.pipeline_behavior() == EmissionType::Incremental
        && has(|node| node.is::<PartitionwiseMergeExec>())
        && !has(|node| node.is::<RepartitionExec>())
}

/// The plan, if it is one over a scan that is shared out by partition, with an operator above the scan that tells the order. The
/// scan alone would have to show it by what is known of each file, which does not travel.
fn in_order(plan: &Arc<dyn ExecutionPlan>) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    if plan.is::<DataSourceExec>() {
        return scan_in_order(plan);
    }
    match (plan.children().as_slice(), plan.maintains_input_order().as_slice()) {
        ([input], [true]) => in_order(input)?.map(|input| over(plan, input)).transpose(),
        _ => Ok(None),
    }
}

fn scan_in_order(plan: &Arc<dyn ExecutionPlan>) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let source: Option<&dyn Any> = plan.downcast_ref::<DataSourceExec>().map(|scan| scan.data_source().as_ref() as _);
    let Some(scan) = source.and_then(|source| source.downcast_ref::<FileScanConfig>()) else { return Ok(None) };
    let Some(Partitioning::Hash(in_table, _)) = &scan.output_partitioning else { return Ok(None) };
    let Partitioning::Hash(in_rows, _) = plan.output_partitioning() else { return Ok(None) };
    let ([in_table], [in_rows]) = (in_table.as_slice(), in_rows.as_slice()) else { return Ok(None) };
    let Some(column) = in_rows.downcast_ref::<Column>() else { return Ok(None) };
    let order = LexOrdering::from([PhysicalSortExpr::new(Arc::clone(in_table), PARTITION_ORDER)]);
    let scan = FileScanConfigBuilder::from(scan.clone()).with_output_ordering(vec![order]).build();
    let scan: Arc<dyn ExecutionPlan> = DataSourceExec::from_data_source(scan);
    // DataFusion takes it for true only where the files do follow each other so.
    match is_in_order(&scan, column.index())? {
        true => Ok(Some(Arc::new(PartitionwiseMergeExec::try_new(vec![scan], column.index())?))),
        false => Ok(None),
    }
}

/// Merges, part by part, inputs that are shared out and ordered by one column. Of a single input it tells the order, and hands
/// its rows on.
#[derive(Debug)]
pub struct PartitionwiseMergeExec {
    inputs: Vec<Arc<dyn ExecutionPlan>>,
    /// The place of the column.
    column: usize,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl PartitionwiseMergeExec {
    /// The inputs have the same columns, but for which of them can be null, and as many parts each.
    pub fn try_new(inputs: Vec<Arc<dyn ExecutionPlan>>, column: usize) -> Result<Self> {
        let first = inputs.first().ok_or_else(|| internal_datafusion_err!("PartitionwiseMergeExec needs an input"))?;
        let parts = first.output_partitioning().partition_count();
        let nullable = |place| inputs.iter().any(|input| input.schema().field(place).is_nullable());
        let fields = (0..first.schema().fields().len())
            .map(|place| first.schema().field(place).clone().with_nullable(nullable(place)));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let by = column_of(first, column);
        let order = PhysicalSortExpr::new(Arc::clone(&by), PARTITION_ORDER);
        let properties = PlanProperties::new(
            EquivalenceProperties::new_with_orderings(schema, [[order]]),
            Partitioning::Hash(vec![by], parts),
            first.pipeline_behavior(),
            first.boundedness(),
        );
        Ok(Self { inputs, column, properties: Arc::new(properties), metrics: ExecutionPlanMetricsSet::new() })
    }

    pub fn column(&self) -> usize {
        self.column
    }
}

impl DisplayAs for PartitionwiseMergeExec {
    fn fmt_as(&self, _t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PartitionwiseMergeExec: by=[{}]", self.schema().field(self.column).name())
    }
}

impl ExecutionPlan for PartitionwiseMergeExec {
    fn name(&self) -> &'static str {
        "PartitionwiseMergeExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    /// An exchange below it would mix what is shared out.
    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false; self.inputs.len()]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.inputs.iter().collect()
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self::try_new(children, self.column)?))
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        if let [input] = self.inputs.as_slice() {
            return input.execute(partition, context);
        }
        let streams = self.inputs.iter().map(|input| input.execute(partition, Arc::clone(&context)));
        let order = PhysicalSortExpr::new(column_of(&self.inputs[0], self.column), PARTITION_ORDER);
        let reservation = MemoryConsumer::new("PartitionwiseMergeExec").register(context.memory_pool());
        StreamingMergeBuilder::new()
            .with_streams(streams.collect::<Result<_>>()?)
            .with_schema(self.schema())
            .with_expressions(&LexOrdering::from([order]))
            .with_metrics(BaselineMetrics::new(&self.metrics, partition))
            .with_batch_size(context.session_config().batch_size())
            .with_reservation(reservation)
            .build()
    }

    fn gather_filters_for_pushdown(
        &self,
        _phase: FilterPushdownPhase,
        filters: Vec<Arc<dyn PhysicalExpr>>,
        _config: &ConfigOptions,
    ) -> Result<FilterDescription> {
        FilterDescription::from_children(filters, &self.children())
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

/// The plan with its union, if it is one of inputs that are shared out and ordered alike by the column, merged part by part.
pub(super) fn partitionwise(plan: Arc<dyn ExecutionPlan>, column: usize) -> Result<Arc<dyn ExecutionPlan>> {
    if let Some(projection) = plan.downcast_ref::<ProjectionExec>() {
        let Some(below) = projection.expr()[column].expr.downcast_ref::<Column>() else { return Ok(plan) };
        let input = partitionwise(Arc::clone(projection.input()), below.index())?;
        return over(&plan, input);
    }
    if !plan.is::<UnionExec>() {
        return Ok(plan);
    }
    let inputs: Vec<_> = plan.children().into_iter().cloned().collect();
    let parts = |input: &Arc<dyn ExecutionPlan>| input.output_partitioning().partition_count();
    let mut fits = inputs.windows(2).all(|inputs| parts(&inputs[0]) == parts(&inputs[1]));
    for input in &inputs {
        fits = fits && is_shared_out(input, column) && is_in_order(input, column)?;
    }
    match fits {
        true => Ok(Arc::new(PartitionwiseMergeExec::try_new(inputs, column)?)),
        false => Ok(plan),
    }
}

/// Whether rows with one value of the column are in one part.
pub(super) fn is_shared_out(plan: &Arc<dyn ExecutionPlan>, column: usize) -> bool {
    let value = column_of(plan, column);
    matches!(plan.output_partitioning(), Partitioning::Hash(by, _) if matches!(by.as_slice(), [by] if by.eq(&value)))
}

/// Whether, in each part, rows with one value of the column come after those with another.
pub(super) fn is_in_order(plan: &Arc<dyn ExecutionPlan>, column: usize) -> Result<bool> {
    let order = PhysicalSortExpr::new(column_of(plan, column), PARTITION_ORDER);
    plan.equivalence_properties().ordering_satisfy([order])
}

fn column_of(plan: &Arc<dyn ExecutionPlan>, column: usize) -> Arc<dyn PhysicalExpr> {
    Arc::new(Column::new(plan.schema().field(column).name(), column))
}
