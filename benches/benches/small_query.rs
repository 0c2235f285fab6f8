//! What the embedded cluster costs a small query: the same plan on it and on plain DataFusion, in one run.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::execution_plan::reset_plan_states;
use datafusion::prelude::SessionContext;
use fleet_executor::start_embedded;
use fleet_jobs::engine::{ClusterClient, Engine, runtime, session_config, session_state};
use fleet_jobs::storage::Stores;
use fleet_scheduler::cluster::{ClusterPlane, Tasks};
use tokio::sync::Notify;

/// Two stages: a partial aggregate, an exchange, a final one.
const SQL: &str = "select value % 10 as digit, count(*) as rows from generate_series(1, 1000) as t(value) group by 1";

async fn plan(engine: &Engine) -> datafusion::error::Result<Arc<dyn ExecutionPlan>> {
    let context = SessionContext::new_with_state(engine.state().clone());
    context
        .sql("create table numbers as select value from generate_series(1, 1000) as t(value)")
        .await?
        .collect()
        .await?;
    let sql = SQL.replace("generate_series(1, 1000) as t(value)", "numbers");
    context.sql(&sql).await?.create_physical_plan().await
}

fn compare(criterion: &mut Criterion) {
    let Ok(tokio) = tokio::runtime::Runtime::new() else { return };
    let prepared = tokio.block_on(async {
        let stores = Stores::new();
        let state = session_state(session_config(2), runtime(Arc::clone(&stores)).ok()?).ok()?;
        let wake = Arc::new(Notify::new());
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let scheduler = ClusterPlane::start(address, "127.0.0.1", Tasks::Pulled(Arc::clone(&wake)), Arc::new(|| true))
            .await
            .ok()?;
        let executor = start_embedded(scheduler.address, 2, stores, wake).await.ok()?;
        let cluster = ClusterClient::connect(&format!("http://{}", scheduler.address), &state).await.ok()?;
        let embedded = Engine::on_cluster(state.clone(), cluster);
        let plan = plan(&embedded).await.ok()?;
        Some((embedded, Engine::in_process(state), plan, scheduler, executor))
    });
    let Some((embedded, in_process, plan, _scheduler, _executor)) = prepared else { return };
    let mut group = criterion.benchmark_group("small_query");
    group.sample_size(30);
    for (name, engine) in [("embedded cluster", &embedded), ("in process", &in_process)] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let Ok(plan) = reset_plan_states(Arc::clone(&plan)) else { return };
                let rows = tokio.block_on(engine.collect("bench", plan));
                assert!(
                    rows.is_ok_and(|outcome| outcome.batches.iter().map(|batch| batch.num_rows()).sum::<usize>() == 10)
                );
            });
        });
    }
    group.finish();
}

criterion_group!(benches, compare);
criterion_main!(benches);
