//! What the front door answers over plain HTTP: `/metrics` for Prometheus, `/healthz` for probes.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;

use crate::metrics::Gauges;
use crate::service::Service;

pub(super) fn routes(service: Arc<Service>) -> Router {
    Router::new().route("/metrics", get(metrics)).route("/healthz", get(healthz)).with_state(service)
}

async fn metrics(State(service): State<Arc<Service>>) -> Result<String, (StatusCode, String)> {
    let gauges = gauges(&service).await;
    let text = service.metrics.text(&gauges);
    text.map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
}

/// What cannot be known now is left out.
async fn gauges(service: &Service) -> Gauges {
    let Ok(term) = service.term() else { return Gauges::default() };
    let runs = match service.ledger.queue_state().await {
        Ok(state) => vec![("queued", state.queued), ("held", state.held), ("running", state.running)],
        Err(_) => Vec::new(),
    };
    let executors = term.plane.executors().await.into_iter();
    let executors = executors.map(|it| (it.id, it.slots, it.slots_used, it.memory_bytes)).collect();
    Gauges { leads: true, runs, executors }
}

async fn healthz(State(service): State<Arc<Service>>) -> (StatusCode, String) {
    match service.ledger.ping().await {
        Ok(()) => (StatusCode::OK, "ok\n".to_owned()),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")),
    }
}
