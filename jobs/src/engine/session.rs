//! The one session that all processes share: settings, functions, codec, object stores.

use std::sync::Arc;

use ballista_core::config::{
    BALLISTA_SHUFFLE_COMPRESSION_CODEC, BALLISTA_SHUFFLE_SORT_BASED_MEMORY_LIMIT_PER_TASK_BYTES,
};
use ballista_core::extension::{
    SessionConfigExt, ballista_aggregate_functions, ballista_scalar_functions, ballista_window_functions,
};
use ballista_core::registry::BallistaFunctionRegistry;
use datafusion::error::Result;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::{SessionState, SessionStateBuilder};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::prelude::SessionConfig;

use super::FleetCodec;
use super::first_rows::KeepFirstRows;
use super::gathering::GatherOnce;
use super::joins::BroadcastJoins;
use super::partitionwise::PartitionsInOrder;
use super::semi_joins::with_semi_joins;
use crate::storage::Stores;

type Rule = Arc<dyn PhysicalOptimizerRule + Send + Sync>;

/// The largest gRPC message between any two processes: a plan over many files is a large message.
pub const MESSAGE_BYTES: u32 = 256 << 20;

/// What one task of a shuffle holds before it spills.
const SHUFFLE_TASK_BYTES: usize = 32 << 20;

/// What a process keeps of files' footers: those of the files that its tasks share, not those of a long history.
const FOOTERS_BYTES: usize = 8 << 20;

/// Settings for planning into `partitions` parts.
pub fn session_config(partitions: usize) -> SessionConfig {
    SessionConfig::new_with_ballista()
        .with_target_partitions(partitions)
        .with_ballista_physical_extension_codec(Arc::new(FleetCodec::default()))
        .with_ballista_grpc_client_max_message_size(MESSAGE_BYTES as usize)
        .set_usize(BALLISTA_SHUFFLE_SORT_BASED_MEMORY_LIMIT_PER_TASK_BYTES, SHUFFLE_TASK_BYTES)
        // Compression took a twentieth of the time of TPC-H, for files that are local or cross a data centre's network.
        .set_str(BALLISTA_SHUFFLE_COMPRESSION_CODEC, "none")
        // What is grouped by more than its rows are already shared out by needs no exchange, into however few parts.
        .set_usize("datafusion.optimizer.subset_repartition_threshold", 1)
        // Scans that are shared out by their partitions lose that in a stage's tasks, and an interleaving refuses them.
        .set_bool("datafusion.optimizer.prefer_existing_union", true)
        // Merge joins refuse timestamps with a time zone, and would be chosen for large tables only.
        .set_bool("datafusion.optimizer.prefer_hash_join", true)
        .set_str("datafusion.execution.time_zone", "UTC")
}

/// A runtime whose object stores open on first use.
pub fn runtime(stores: Arc<Stores>) -> Result<Arc<RuntimeEnv>> {
    RuntimeEnvBuilder::new().with_object_store_registry(stores).with_metadata_cache_limit(FOOTERS_BYTES).build_arc()
}

/// A session with every function that a model may call.
pub fn session_state(config: SessionConfig, runtime: Arc<RuntimeEnv>) -> Result<SessionState> {
    let mut state = SessionStateBuilder::new()
        .with_default_features()
        .with_config(config)
        .with_runtime_env(runtime)
        .with_optimizer_rules(with_semi_joins(ballista_core::optimizer::ballista_default_optimizer_rules()))
        .with_physical_optimizer_rules(physical_optimizer_rules())
        .with_scalar_functions(ballista_scalar_functions())
        .with_aggregate_functions(ballista_aggregate_functions())
        .with_window_functions(ballista_window_functions())
        .build();
    fleet_functions::register_all(&mut state)?;
    Ok(state)
}

/// DataFusion's rules with ours.
fn physical_optimizer_rules() -> Vec<Rule> {
    let mut rules = PhysicalOptimizer::new().rules;
    let place = rules.iter().position(|rule| rule.name() == "join_selection").map_or(0, |place| place + 1);
    rules.insert(place, Arc::new(BroadcastJoins));
    let place = rules.iter().position(|rule| rule.name() == "CombinePartialFinalAggregate").unwrap_or(rules.len());
    rules.insert(place, Arc::new(GatherOnce));
    rules.push(Arc::new(KeepFirstRows));
    rules.push(Arc::new(PartitionsInOrder));
    rules
}

/// The functions of [`session_state`], in the shape that executors ask for.
pub fn function_registry(state: &SessionState) -> Arc<BallistaFunctionRegistry> {
    Arc::new(state.into())
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::SessionContext;

    use super::*;

    #[tokio::test]
    async fn tables_too_large_to_broadcast_join_on_timestamps() {
        let config = session_config(4)
            .set_usize("datafusion.optimizer.hash_join_single_partition_threshold", 0)
            .set_usize("datafusion.optimizer.hash_join_single_partition_threshold_rows", 0);
        let context = SessionContext::new_with_state(session_state(config, runtime(Stores::new()).unwrap()).unwrap());
        let table =
            "(select arrow_cast(column1, 'Timestamp(Microsecond, Some(\"UTC\"))') as at from (values (1), (2), (3)))";
        let sql = format!("select one.at from {table} one join {table} other on one.at = other.at");
        let batches = context.sql(&sql).await.unwrap().collect().await.unwrap();
        assert_eq!(batches.iter().map(|batch| batch.num_rows()).sum::<usize>(), 3);
    }
}
