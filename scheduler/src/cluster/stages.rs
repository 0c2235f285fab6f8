//! What a plan would look like on the cluster, without running it.

use std::sync::Arc;

use ballista_core::JobId;
use ballista_scheduler::planner::{DefaultDistributedPlanner, DistributedPlanner};
use datafusion::physical_plan::{ExecutionPlan, displayable};
use datafusion::prelude::SessionConfig;
use fleet_jobs::engine::WholeExec;

use crate::Error;

/// The stages that a physical plan is cut into, each as indented text.
pub fn planned_stages(plan: Arc<dyn ExecutionPlan>, config: &SessionConfig) -> Result<Vec<String>, Error> {
    let mut planner = DefaultDistributedPlanner::new();
    let job = JobId::from("plan".to_owned());
    let stages = planner.plan_query_stages(&job, plan, config.options()).map_err(Error::Start)?;
    Ok(stages.iter().map(|stage| text(stage.as_ref(), 0)).collect())
}

/// An operator and those below it, with what a plan that is one task keeps to itself.
fn text(plan: &dyn ExecutionPlan, depth: usize) -> String {
    let mut text = format!("{:indent$}{}", "", displayable(plan).one_line(), indent = 2 * depth);
    let inside = plan.downcast_ref::<WholeExec>().map(WholeExec::plan);
    for child in plan.children().into_iter().chain(inside) {
        text += &self::text(child.as_ref(), depth + 1);
    }
    text
}
