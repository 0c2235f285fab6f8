//! A client of the cluster plane: submits physical plans, waits, fetches results, tells which stages ran.
//!
//! Ballista's own `execute_physical_plan` keeps the job id to itself and connects anew for every plan; the job
//! id is what cancelling and the report of executed stages need.

use std::collections::HashMap;
use std::sync::Arc;

use ballista_core::client::BallistaClient;
use ballista_core::config::BALLISTA_JOB_NAME;
use ballista_core::extension::{SessionConfigExt, SessionConfigHelperExt};
use ballista_core::serde::protobuf::execute_query_params::Query;
use ballista_core::serde::protobuf::job_status::Status;
use ballista_core::serde::protobuf::scheduler_grpc_client::SchedulerGrpcClient;
use ballista_core::serde::protobuf::{
    CancelJobParams, CleanJobDataParams, ExecuteQueryParams, GetJobMetricsParams, GetJobStatusResult, JobStageMetrics,
    OperatorMetricsSet, PartitionLocation, SuccessfulJob,
};
use ballista_core::utils::{GrpcClientConfig, create_grpc_client_endpoint};
use ballista_core::version;
use datafusion::arrow::array::RecordBatch;
use datafusion::error::DataFusionError;
use datafusion::execution::SessionState;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::metrics::MetricsSet;
use datafusion::prelude::SessionConfig;
use datafusion_proto::physical_plan::AsExecutionPlan;
use datafusion_proto::protobuf::PhysicalPlanNode;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};
use tonic::transport::Channel;

use super::shipping::shippable;
use super::{MESSAGE_BYTES, Outcome, RUN_AGAIN, SHUFFLED_BYTES};
use crate::{Error, Result};

/// How many result partitions are fetched at once.
const FETCHES: usize = 8;
/// What Ballista says of a job that was cancelled. This client's own are no longer listened to when they are.
const CANCELLED: &str = "Cancelled";
const GIVEN_UP: &str = "the scheduler gave the job up: an executor was lost, or none is there (`fleet executor`)";

/// A connection to a scheduler. Cheap to clone.
#[derive(Clone)]
pub struct ClusterClient {
    url: String,
    scheduler: SchedulerGrpcClient<Channel>,
}

/// A stage as it was executed.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Stage {
    /// The id of its job on the cluster.
    pub job: String,
    pub id: u32,
    pub partitions: u32,
    /// Read from files of tables, or as they landed.
    pub rows_scanned: u64,
    pub bytes_scanned: u64,
    /// Written to shuffle files, for the next stage or the client.
    pub bytes_shuffled: u64,
    /// Operators from the root down: depth, description, metrics.
    pub operators: Vec<(u32, String, String)>,
}

impl Stage {
    fn executed(job_id: &str, told: JobStageMetrics) -> Self {
        let mut stage =
            Self { job: job_id.to_owned(), id: told.stage_id, partitions: told.partitions, ..Self::default() };
        for operator in told.operators {
            let metrics: MetricsSet = OperatorMetricsSet { metrics: operator.metrics }.try_into().unwrap_or_default();
            let sum = |name| metrics.sum_by_name(name).map(|value| value.as_usize() as u64);
            // Of a scan, it may be 0: small files are kept.
            if let Some(bytes) = sum("bytes_scanned") {
                stage.rows_scanned += metrics.output_rows().unwrap_or(0) as u64;
                stage.bytes_scanned += bytes;
            }
            stage.bytes_shuffled += sum(SHUFFLED_BYTES).unwrap_or(0);
            let metrics = metrics.aggregate_by_name().sorted_for_display().timestamps_removed().to_string();
            stage.operators.push((operator.depth, operator.operator_desc, metrics));
        }
        stage
    }
}

impl ClusterClient {
    /// Connects to a scheduler's cluster plane, `http://host:port`.
    pub async fn connect(url: &str, state: &SessionState) -> Result<Self> {
        let unreachable = |problem: String| Error::Cluster { url: url.to_owned(), problem };
        let config = GrpcClientConfig::from(&state.config().ballista_config());
        let endpoint = create_grpc_client_endpoint(url.to_owned(), Some(&config)).map_err(|error| {
            Error::invalid(format!("scheduler `{url}`"), format!("{error}; expected http://host:port"))
        })?;
        let channel = endpoint.connect().await.map_err(|error| unreachable(chain(&error)))?;
        let scheduler = SchedulerGrpcClient::new(channel)
            .max_decoding_message_size(MESSAGE_BYTES as usize)
            .max_encoding_message_size(MESSAGE_BYTES as usize);
        Ok(Self { url: url.to_owned(), scheduler })
    }

    /// Runs a plan to its end. Dropping the future cancels the job.
    pub(super) async fn collect(
        &self,
        job_name: &str,
        what: &str,
        plan: Arc<dyn ExecutionPlan>,
        state: &SessionState,
    ) -> Result<Outcome> {
        let mut job = RunningJob { client: self.clone(), id: None, updates: None };
        let config = state.config().clone().set_str(BALLISTA_JOB_NAME, job_name);
        let done = self.submit(what, plan, &config, state.session_id(), &mut job).await?;
        // The scheduler forgets it in seconds. It is told for information: that it cannot be told spoils no result.
        let stages = match &job.id {
            Some(id) => self.stages(id).await.unwrap_or_default(),
            None => Vec::new(),
        };
        let batches = self.fetch(done.partition_location).await?;
        job.release();
        Ok(Outcome { batches, stages })
    }

    async fn submit(
        &self,
        what: &str,
        plan: Arc<dyn ExecutionPlan>,
        config: &SessionConfig,
        session_id: &str,
        job: &mut RunningJob,
    ) -> Result<SuccessfulJob> {
        let codec = config.ballista_physical_extension_codec();
        let mut bytes = Vec::new();
        shippable(plan)
            .and_then(|plan| PhysicalPlanNode::try_from_physical_plan(plan, codec.as_ref()))
            .and_then(|node| node.try_encode(&mut bytes))
            .map_err(Error::engine(format!("{what}: the plan cannot be shipped")))?;
        if bytes.len() > MESSAGE_BYTES as usize {
            let problem = format!(
                "the plan takes {} bytes, and the cluster accepts {MESSAGE_BYTES}; narrow the interval",
                bytes.len()
            );
            return Err(Error::invalid(what, problem));
        }
        let mut request = tonic::Request::new(ExecuteQueryParams {
            query: Some(Query::PhysicalPlan(bytes)),
            settings: config.to_key_value_pairs(),
            session_id: session_id.to_owned(),
            operation_id: uuid::Uuid::new_v4().to_string(),
        });
        version::insert_version_header(request.metadata_mut());
        let mut scheduler = self.scheduler.clone();
        let answer = async move { scheduler.execute_query_push(request).await.map(tonic::Response::into_inner) };
        let updates = job.updates.insert(stream::once(answer).try_flatten().boxed());
        while let Some(update) = updates.next().await {
            let Some(update) = update.map_err(|status| self.lost(&status))?.status else { continue };
            job.id.get_or_insert(update.job_id);
            match update.status {
                Some(Status::Successful(done)) => return Ok(done),
                Some(Status::Failed(failure)) => {
                    (job.id, job.updates) = (None, None);
                    return Err(self.failed(what, &failure.error));
                }
                Some(Status::Queued(_) | Status::Running(_)) | None => {}
            }
        }
        Err(Error::Cluster {
            url: self.url.clone(),
            problem: format!("{what}: the scheduler went away before the job ended"),
        })
    }

    async fn fetch(&self, locations: Vec<PartitionLocation>) -> Result<Vec<RecordBatch>> {
        let mut clients = HashMap::new();
        for location in &locations {
            let Some(executor) = &location.executor_meta else { continue };
            if !clients.contains_key(&executor.id) {
                let port = u16::try_from(executor.port).unwrap_or(0);
                let client =
                    BallistaClient::try_new(&executor.host, port, MESSAGE_BYTES as usize, false, None, 1, 100, 0, 0)
                        .await;
                clients.insert(executor.id.clone(), client.map_err(|error| self.lost(&error))?);
            }
        }
        let fetches = locations.into_iter().filter_map(|location| {
            let layout = location.layout();
            let mut client = clients.get(&location.executor_meta.as_ref()?.id)?.clone();
            let (executor, partition) = (location.executor_meta?, location.partition_id?);
            Some(async move {
                let rows =
                    client.fetch_partition(&executor.id, &partition.into(), location.file_id, layout, true).await;
                rows.map_err(|error| self.lost(&error))?
                    .try_collect::<Vec<_>>()
                    .await
                    .map_err(|error| self.lost(&error))
            })
        });
        let parts: Vec<Vec<RecordBatch>> = stream::iter(fetches).buffered(FETCHES).try_collect().await?;
        Ok(parts.into_iter().flatten().collect())
    }

    async fn stages(&self, job_id: &str) -> Result<Vec<Stage>> {
        let request = GetJobMetricsParams { job_id: job_id.to_owned() };
        let metrics = self.scheduler.clone().get_job_metrics(request).await.map_err(|status| self.lost(&status))?;
        Ok(metrics.into_inner().stages.into_iter().map(|stage| Stage::executed(job_id, stage)).collect())
    }

    fn failed(&self, what: &str, error: &str) -> Error {
        if error.contains(RUN_AGAIN) {
            return Error::Cluster { url: self.url.clone(), problem: RUN_AGAIN.to_owned() };
        }
        if error == CANCELLED {
            return Error::Cluster { url: self.url.clone(), problem: GIVEN_UP.to_owned() };
        }
        Error::Engine { what: what.to_owned(), source: DataFusionError::Execution(error.to_owned()) }
    }

    fn lost(&self, error: &dyn std::error::Error) -> Error {
        Error::Cluster { url: self.url.clone(), problem: chain(error) }
    }
}

type Updates = BoxStream<'static, std::result::Result<GetJobStatusResult, tonic::Status>>;

/// Cancels its job when dropped before the end, and lets executors delete what a finished one left.
struct RunningJob {
    client: ClusterClient,
    id: Option<String>,
    /// The request and what is told in answer, the id first.
    updates: Option<Updates>,
}

impl RunningJob {
    fn release(&mut self) {
        self.updates = None;
        let Some(job_id) = self.id.take() else { return };
        let mut scheduler = self.client.scheduler.clone();
        tokio::spawn(async move {
            if let Err(error) = scheduler
                .clean_job_data(CleanJobDataParams { job_id: job_id.clone(), remove_stage_ids: Vec::new() })
                .await
            {
                tracing::debug!(job_id, %error, "job data not cleaned up yet");
            }
        });
    }
}

impl Drop for RunningJob {
    fn drop(&mut self) {
        let (id, updates) = (self.id.take(), self.updates.take());
        if id.is_none() && updates.is_none() {
            return;
        }
        let mut scheduler = self.client.scheduler.clone();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let told = async { first_id(updates?).await };
                let Some(job_id) = (if id.is_some() { id } else { told.await }) else { return };
                if let Err(error) = scheduler.cancel_job(CancelJobParams { job_id: job_id.clone() }).await {
                    tracing::warn!(job_id, %error, "job not cancelled");
                }
            });
        }
    }
}

async fn first_id(mut updates: Updates) -> Option<String> {
    while let Some(Ok(update)) = updates.next().await {
        if let Some(status) = update.status {
            return Some(status.job_id);
        }
    }
    None
}

/// An error with its causes, which tonic's own text leaves out.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use ballista_core::serde::protobuf::OperatorWithMetrics;
    use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, MetricBuilder};

    use super::*;

    /// An operator that gave five rows of so many bytes of files.
    fn operator(bytes_scanned: Option<usize>) -> OperatorWithMetrics {
        let set = ExecutionPlanMetricsSet::new();
        MetricBuilder::new(&set).output_rows(0).add(5);
        if let Some(bytes) = bytes_scanned {
            MetricBuilder::new(&set).counter("bytes_scanned", 0).add(bytes);
        }
        let told: OperatorMetricsSet = set.clone_inner().try_into().unwrap();
        OperatorWithMetrics { metrics: told.metrics, ..OperatorWithMetrics::default() }
    }

    #[test]
    fn rows_of_scans_count_also_where_no_byte_was_read() {
        let operators = vec![operator(None), operator(Some(0)), operator(Some(70))];
        let told = JobStageMetrics { stage_id: 1, partitions: 2, operators };
        let stage = Stage::executed("job", told);
        assert_eq!((stage.rows_scanned, stage.bytes_scanned, stage.operators.len()), (10, 70, 3));
    }
}
