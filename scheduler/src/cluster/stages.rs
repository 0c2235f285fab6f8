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
