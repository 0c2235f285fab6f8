//! The first row of each key, where a query asks for `row_number() over (partition by key order by …) = 1`.
//!
//! DataFusion numbers all rows, then drops those with other numbers. Its window operator cuts every column at every change
//! of the key and keeps what it cut: where most keys have one row, as where rows are freed of duplicates, that takes most
//! of the query's time and as much memory as the rows. Rows sorted by key need no more than a look at the row before.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, UInt32Array, UInt64Array};
use datafusion::arrow::compute::{partition, take_record_batch};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, ScalarValue, Statistics, internal_datafusion_err};
use datafusion::execution::TaskContext;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::expressions::{BinaryExpr, Column, Literal};
use datafusion::physical_expr::window::StandardWindowExpr;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr, split_conjunction};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet, RecordOutput};
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::statistics::StatisticsArgs;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::windows::{BoundedWindowAggExec, WindowUDFExpr};
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, InputOrderMode, PlanProperties,
    SendableRecordBatchStream,
};
use futures::{StreamExt, TryStreamExt, future};

/// Which rows to keep. Travels inside the plan.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct FirstRows {
    /// The columns that are the key.
    pub key: Vec<usize>,
    /// The name of the column that is added: the row's number, which is one.
    pub number: String,
}

/// Keeps the first row of each key, of an input whose rows with one key follow each other in one partition.
#[derive(Debug)]
pub struct FirstRowsExec {
    input: Arc<dyn ExecutionPlan>,
    rows: FirstRows,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl FirstRowsExec {
    pub fn new(input: Arc<dyn ExecutionPlan>, rows: FirstRows) -> Self {
        let mut fields = input.schema().fields().to_vec();
        fields.push(Arc::new(Field::new(&rows.number, DataType::UInt64, false)));
        let schema = Arc::new(Schema::new_with_metadata(fields, input.schema().metadata().clone()));
        let orderings = input.equivalence_properties().oeq_class().iter().cloned();
        let properties = PlanProperties::new(
            EquivalenceProperties::new_with_orderings(schema, orderings),
            input.output_partitioning().clone(),
            input.pipeline_behavior(),
            input.boundedness(),
        );
        Self { input, rows, properties: Arc::new(properties), metrics: ExecutionPlanMetricsSet::new() }
    }

    pub fn rows(&self) -> &FirstRows {
        &self.rows
    }
}

impl DisplayAs for FirstRowsExec {
    fn fmt_as(&self, _t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let schema = self.input.schema();
        let key: Vec<&str> = self.rows.key.iter().map(|column| schema.field(*column).name().as_str()).collect();
        write!(f, "FirstRowsExec: key=[{}]", key.join(", "))
    }
}

impl ExecutionPlan for FirstRowsExec {
    fn name(&self) -> &'static str {
        "FirstRowsExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let input = children.pop().ok_or_else(|| internal_datafusion_err!("FirstRowsExec needs one input"))?;
        Ok(Arc::new(Self::new(input, self.rows.clone())))
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let input = self.input.execute(partition, context)?;
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let schema = self.schema();
        let mut sifting = Sifting { key: self.rows.key.clone(), schema: Arc::clone(&schema), last: None };
        let kept = input.map(move |batch| {
            let timer = metrics.elapsed_compute().timer();
            let kept = sifting.first_rows(&batch?);
            timer.done();
            kept.record_output(&metrics)
        });
        let kept = kept.try_filter(|batch| future::ready(batch.num_rows() > 0));
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, kept)))
    }

    fn statistics_from_inputs(&self, inputs: &[Arc<Statistics>], _args: &StatisticsArgs) -> Result<Arc<Statistics>> {
        let mut statistics = Statistics::new_unknown(&self.schema());
        if let [input] = inputs {
            statistics.num_rows = input.num_rows.to_inexact();
            statistics.total_byte_size = input.total_byte_size.to_inexact();
        }
        Ok(Arc::new(statistics))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

struct Sifting {
    key: Vec<usize>,
    schema: SchemaRef,
    /// The key of the row before.
    last: Option<Vec<ScalarValue>>,
}

impl Sifting {
    fn first_rows(&mut self, batch: &RecordBatch) -> Result<RecordBatch> {
        let Some(end) = batch.num_rows().checked_sub(1) else {
            return Ok(RecordBatch::new_empty(Arc::clone(&self.schema)));
        };
        let columns: Vec<ArrayRef> = self.key.iter().map(|column| Arc::clone(batch.column(*column))).collect();
        let key_of =
            |row| columns.iter().map(|column| ScalarValue::try_from_array(column, row)).collect::<Result<Vec<_>>>();
        let goes_on = self.last.replace(key_of(end)?).is_some_and(|last| key_of(0).is_ok_and(|first| first == last));
        let changes = partition(&columns)?.ranges();
        let kept = match changes.len() == batch.num_rows() && !goes_on {
            true => batch.clone(),
            false => {
                let rows =
                    changes.iter().skip(usize::from(goes_on)).filter_map(|range| u32::try_from(range.start).ok());
                take_record_batch(batch, &UInt32Array::from_iter_values(rows))?
            }
        };
        let number: ArrayRef = Arc::new(UInt64Array::from_value(1, kept.num_rows()));
        let columns = kept.columns().iter().cloned().chain([number]).collect();
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }
}

/// Puts [`FirstRowsExec`] in the place of a window below a filter for the first rows. The last rule of all, because only then it is
/// sure that the rows come sorted.
#[derive(Debug)]
pub(super) struct KeepFirstRows;

impl PhysicalOptimizerRule for KeepFirstRows {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let kept = plan.transform_up(|node| {
            let Some(filter) = node.downcast_ref::<FilterExec>() else { return Ok(Transformed::no(node)) };
            let numbers = split_conjunction(filter.predicate()).into_iter().filter_map(first_only);
            let input = numbers.filter_map(|number| sifted(filter.input(), number)).next();
            match input {
                Some(input) => over(&node, input).map(Transformed::yes),
                None => Ok(Transformed::no(node)),
            }
        })?;
        Ok(kept.data)
    }

    fn name(&self) -> &'static str {
        "keep_first_rows"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// The plan over another input.
pub(super) fn over(plan: &Arc<dyn ExecutionPlan>, input: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    Arc::clone(plan).replace_children(vec![input], ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
}

/// The column that a condition has be one, of numbers that begin at one.
fn first_only(condition: &Arc<dyn PhysicalExpr>) -> Option<usize> {
    let condition = condition.downcast_ref::<BinaryExpr>()?;
    let (left, right) = (condition.left(), condition.right());
    let (column, literal, operator) = match left.downcast_ref::<Column>() {
        Some(column) => (column, right.downcast_ref::<Literal>()?, *condition.op()),
        None => (right.downcast_ref::<Column>()?, left.downcast_ref::<Literal>()?, condition.op().swap()?),
    };
    let most = match literal.value().cast_to(&DataType::UInt64).ok()? {
        ScalarValue::UInt64(Some(most)) => most,
        _ => return None,
    };
    let first = matches!((operator, most), (Operator::Eq | Operator::LtEq, 1) | (Operator::Lt, 2));
    first.then(|| column.index())
}

/// The plan with the window operator in it replaced, if `number` is the only column that it adds, a row's number within its key.
fn sifted(plan: &Arc<dyn ExecutionPlan>, number: usize) -> Option<Arc<dyn ExecutionPlan>> {
    if let Some(projection) = plan.downcast_ref::<ProjectionExec>() {
        let column = projection.expr().get(number)?.expr.downcast_ref::<Column>()?.index();
        let input = sifted(projection.input(), column)?;
        return over(plan, input).ok();
    }
    let window = plan.downcast_ref::<BoundedWindowAggExec>()?;
    let [function] = window.window_expr() else { return None };
    let is_number = function
        .as_any()
        .downcast_ref::<StandardWindowExpr>()
        .and_then(|function| function.get_standard_func_expr().as_any().downcast_ref::<WindowUDFExpr>())
        .is_some_and(|function| function.fun().name() == "row_number");
    let key: Option<Vec<usize>> =
        function.partition_by().iter().map(|column| Some(column.downcast_ref::<Column>()?.index())).collect();
    let key = key.filter(|key| !key.is_empty())?;
    let sorted = window.input_order_mode == InputOrderMode::Sorted && number == window.input().schema().fields().len();
    if !is_number || !sorted {
        return None;
    }
    let number = window.schema().field(number).name().clone();
    let first = FirstRowsExec::new(Arc::clone(window.input()), FirstRows { key, number });
    (first.schema() == window.schema()).then(|| Arc::new(first) as Arc<dyn ExecutionPlan>)
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::util::pretty::pretty_format_batches;
    use datafusion::execution::SessionState;
    use datafusion::physical_plan::displayable;
    use datafusion::prelude::{SessionConfig, SessionContext};

    use super::super::{FleetCodec, runtime, session_config, session_state};
    use crate::storage::Stores;

    /// 1 to 13 rows of each of 300 keys, one of them null, in batches that end within a key.
    const TABLE: &str =
        "create table deliveries as select nullif(value % 300, 7) as id, value % 13 as line, value as at,
        arrow_cast(value % 2 = 0, 'Utf8') as even from generate_series(1, 2000)";
    const LATEST: &str =
        "select id, even, at from (select *, row_number() over (partition by id, even order by line desc, at) as rank
        from deliveries) where rank = 1";

    async fn context(state: SessionState) -> SessionContext {
        let context = SessionContext::new_with_state(state);
        context.sql(TABLE).await.unwrap().collect().await.unwrap();
        context
    }

    async fn ours() -> SessionContext {
        context(session_state(session_config(3).with_batch_size(7), runtime(Stores::new()).unwrap()).unwrap()).await
    }

    async fn plan(sql: &str) -> String {
        let plan = ours().await.sql(sql).await.unwrap().create_physical_plan().await.unwrap();
        displayable(plan.as_ref()).indent(true).to_string()
    }

    async fn rows(context: &SessionContext, sql: &str) -> String {
        let batches = context.sql(&format!("{sql} order by 1, 2, 3")).await.unwrap().collect().await.unwrap();
        pretty_format_batches(&batches).unwrap().to_string()
    }

    #[tokio::test]
    async fn the_first_rows_are_those_that_the_window_would_number_one() {
        let plain = context(SessionContext::new_with_config(SessionConfig::new()).state()).await;
        let (ours, expected) = (rows(&ours().await, LATEST).await, rows(&plain, LATEST).await);
        assert!(expected.lines().count() > 300, "{expected}");
        assert_eq!(ours, expected);
        let plan = plan(LATEST).await;
        assert!(plan.contains("FirstRowsExec: key=[id, even]") && !plan.contains("WindowAggExec"), "{plan}");
    }

    #[tokio::test]
    async fn every_way_to_ask_for_the_first_row_is_met_and_no_other() {
        for condition in ["rank <= 1", "rank < 2", "1 = rank", "rank = 1 and at > 5"] {
            assert!(plan(&LATEST.replace("rank = 1", condition)).await.contains("FirstRowsExec"), "{condition}");
        }
        for condition in ["rank = 2", "rank <= 2", "rank = 1 or at > 5", "at = 1", "line = 1"] {
            assert!(!plan(&LATEST.replace("rank = 1", condition)).await.contains("FirstRowsExec"), "{condition}");
        }
        for window in ["rank() over", "count(*) over"] {
            assert!(!plan(&LATEST.replace("row_number() over", window)).await.contains("FirstRowsExec"), "{window}");
        }
        let two =
            LATEST.replace("as rank", "as rank, sum(at) over (partition by id, even order by line desc, at) as so_far");
        assert!(!plan(&two.replace("id, even, at from (", "id, so_far, at from (")).await.contains("FirstRowsExec"));
    }

    #[tokio::test]
    async fn it_travels() {
        let context = ours().await;
        let plan = context.sql(LATEST).await.unwrap().create_physical_plan().await.unwrap();
        let codec = FleetCodec::default();
        let bytes =
            datafusion_proto::bytes::physical_plan_to_bytes_with_extension_codec(std::sync::Arc::clone(&plan), &codec)
                .unwrap();
        let read =
            datafusion_proto::bytes::physical_plan_from_bytes_with_extension_codec(&bytes, &context.task_ctx(), &codec)
                .unwrap();
        let text = |plan: &dyn datafusion::physical_plan::ExecutionPlan| displayable(plan).indent(true).to_string();
        assert_eq!(text(read.as_ref()), text(plan.as_ref()));
    }
}
