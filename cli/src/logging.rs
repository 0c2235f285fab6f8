//! Logs to standard error, and traces of runs and steps to an OpenTelemetry collector where one is given.

use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::options::{Common, LogFormat};

/// Our own errors.
const QUIET: &str = "off,fleet=error,fleet_jobs=error,fleet_scheduler=error,fleet_executor=error";

/// Traces that are not sent yet, sent when the process ends.
pub struct Traces(Option<SdkTracerProvider>);

/// Begins to log. Inside a runtime, as traces are sent by it.
pub fn start(common: &Common) -> anyhow::Result<Traces> {
    let filter = common.log.as_deref().unwrap_or(QUIET);
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new(QUIET));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = match common.log_format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    let provider = common.traces.as_deref().map(provider).transpose()?;
    let spans = provider.as_ref().map(|provider| {
        let ours = Targets::new()
            .with_target("fleet_jobs", LevelFilter::INFO)
            .with_target("fleet_scheduler", LevelFilter::INFO);
        tracing_opentelemetry::layer().with_tracer(provider.tracer("fleet")).with_filter(ours)
    });
    tracing_subscriber::registry().with(lines.with_filter(filter)).with(spans).init();
    Ok(Traces(provider))
}

fn provider(url: &str) -> anyhow::Result<SdkTracerProvider> {
    let exporter = opentelemetry_otlp::SpanExporter::builder().with_tonic().with_endpoint(url).build();
    let exporter =
        exporter.map_err(|error| anyhow::anyhow!("traces to `{url}`: {error}; expected http://host:4317"))?;
    let resource = Resource::builder().with_service_name("fleet").build();
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
}

impl Traces {
    /// Sends what is left.
    pub fn finish(self) {
        if let Some(Err(error)) = self.0.map(|provider| provider.shutdown()) {
            tracing::warn!(%error, "traces not sent");
        }
    }
}
