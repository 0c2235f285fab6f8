//! How our operators travel, beside all that Ballista ships.

use std::any::Any;
use std::sync::Arc;

use ballista_core::serde::BallistaPhysicalExtensionCodec;
use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{AggregateUDF, ScalarUDF, WindowUDF};
use datafusion::physical_plan::ExecutionPlan;
use datafusion_proto::physical_plan::{AsExecutionPlan, PhysicalExtensionCodec, PhysicalProtoConverterExtension};
use datafusion_proto::protobuf::PhysicalPlanNode;

use super::first_rows::{FirstRows, FirstRowsExec};
use super::partitionwise::PartitionwiseMergeExec;
use super::whole::WholeExec;
use super::write::{WriteExec, WriteSpec};
use crate::landing::LandingScan;

/// Precedes every message of ours, so that it is never taken for one of Ballista's.
const MARK: &[u8] = b"fleet\0";
/// Precedes a plan that is one task.
const WHOLE: &[u8] = b"fleet-whole\0";

#[derive(serde::Serialize, serde::Deserialize)]
enum Message {
    Write(WriteSpec),
    Landing(Box<LandingScan>),
    FirstRows(FirstRows),
    /// By the column at this place.
    PartitionwiseMerge(usize),
}

/// Ballista's codec with our operators added.
#[derive(Debug, Default)]
pub struct FleetCodec {
    ballista: BallistaPhysicalExtensionCodec,
}

impl PhysicalExtensionCodec for FleetCodec {
    fn try_decode(
        &self,
        buf: &[u8],
        inputs: &[Arc<dyn ExecutionPlan>],
        ctx: &TaskContext,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if let Some(plan) = buf.strip_prefix(WHOLE) {
            let plan = PhysicalPlanNode::try_decode(plan)?.try_into_physical_plan(ctx, self)?;
            return Ok(Arc::new(WholeExec::new(plan)));
        }
        let Some(message) = buf.strip_prefix(MARK) else {
            return self.ballista.try_decode(buf, inputs, ctx, converter);
        };
        match serde_json::from_slice(message).map_err(|error| DataFusionError::External(Box::new(error)))? {
            Message::Write(spec) => match inputs {
                [input] => Ok(Arc::new(WriteExec::new(Arc::clone(input), spec))),
                _ => Err(DataFusionError::Internal(format!("WriteExec has {} inputs, expected one", inputs.len()))),
            },
            Message::FirstRows(rows) => match inputs {
                [input] => Ok(Arc::new(FirstRowsExec::new(Arc::clone(input), rows))),
                _ => Err(DataFusionError::Internal(format!("FirstRowsExec has {} inputs, expected one", inputs.len()))),
            },
            Message::PartitionwiseMerge(column) => {
                Ok(Arc::new(PartitionwiseMergeExec::try_new(inputs.to_vec(), column)?))
            }
            Message::Landing(scan) => scan.into_plan(),
        }
    }

    fn try_encode(
        &self,
        node: Arc<dyn ExecutionPlan>,
        buf: &mut Vec<u8>,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<()> {
        if let Some(whole) = node.downcast_ref::<WholeExec>() {
            buf.extend_from_slice(WHOLE);
            return PhysicalPlanNode::try_from_physical_plan(Arc::clone(whole.plan()), self)?.try_encode(buf);
        }
        let message = if let Some(write) = node.downcast_ref::<WriteExec>() {
            Message::Write(write.spec().clone())
        } else if let Some(first) = node.downcast_ref::<FirstRowsExec>() {
            Message::FirstRows(first.rows().clone())
        } else if let Some(merge) = node.downcast_ref::<PartitionwiseMergeExec>() {
            Message::PartitionwiseMerge(merge.column())
        } else if let Some(scan) = landing_scan(&node) {
            Message::Landing(Box::new(scan))
        } else {
            return self.ballista.try_encode(node, buf, converter);
        };
        buf.extend_from_slice(MARK);
        serde_json::to_writer(buf, &message).map_err(|error| DataFusionError::External(Box::new(error)))
    }

    fn try_decode_udf(&self, name: &str, buf: &[u8]) -> Result<Arc<ScalarUDF>> {
        self.ballista.try_decode_udf(name, buf)
    }

    fn try_encode_udf(&self, node: &ScalarUDF, buf: &mut Vec<u8>) -> Result<()> {
        self.ballista.try_encode_udf(node, buf)
    }

    fn try_decode_udaf(&self, name: &str, buf: &[u8]) -> Result<Arc<AggregateUDF>> {
        self.ballista.try_decode_udaf(name, buf)
    }

    fn try_encode_udaf(&self, node: &AggregateUDF, buf: &mut Vec<u8>) -> Result<()> {
        self.ballista.try_encode_udaf(node, buf)
    }

    fn try_decode_udwf(&self, name: &str, buf: &[u8]) -> Result<Arc<WindowUDF>> {
        self.ballista.try_decode_udwf(name, buf)
    }

    fn try_encode_udwf(&self, node: &WindowUDF, buf: &mut Vec<u8>) -> Result<()> {
        self.ballista.try_encode_udwf(node, buf)
    }
}

fn landing_scan(node: &Arc<dyn ExecutionPlan>) -> Option<LandingScan> {
    let source: &dyn Any = node.downcast_ref::<DataSourceExec>()?.data_source().as_ref();
    LandingScan::of(source.downcast_ref::<FileScanConfig>()?)
}
