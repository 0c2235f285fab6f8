//! What the control plane counts, for Prometheus.

use std::time::Duration;

use fleet_jobs::storage::Requested;
use prometheus::{
    Encoder, Gauge, GaugeVec, HistogramOpts, HistogramTimer, HistogramVec, IntCounter, IntCounterVec, Opts, Registry,
    TextEncoder,
};

use crate::ledger::FailureKind;

/// From a short query's time to a day's.
const RUN_SECONDS: [f64; 10] = [1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0, 43_200.0, 86_400.0];
const STEP_SECONDS: [f64; 10] = [0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0];
const CALL_SECONDS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 10.0];

pub struct Metrics {
    registry: Registry,
    runs_ended: IntCounterVec,
    run_seconds: HistogramVec,
    steps_ended: IntCounterVec,
    step_seconds: HistogramVec,
    attempts_failed: IntCounterVec,
    firings: IntCounterVec,
    rows_written: IntCounter,
    bytes_written: IntCounter,
    bytes_scanned: IntCounter,
    bytes_shuffled: IntCounter,
    stages: IntCounter,
    tasks: IntCounter,
    call_seconds: HistogramVec,
    /// What queries and transactions of the ledger take, by `operation`: `read` or `write`.
    pub ledger_seconds: HistogramVec,
    object_store_seconds: HistogramVec,
    leader: Gauge,
    runs: GaugeVec,
    executor_slots: GaugeVec,
    executor_slots_used: GaugeVec,
    executor_memory_bytes: GaugeVec,
}

/// What is measured when it is asked for.
#[derive(Default)]
pub struct Gauges {
    pub leads: bool,
    /// Runs by state.
    pub runs: Vec<(&'static str, u64)>,
    /// Executor, slots, slots used, memory.
    pub executors: Vec<(String, u32, u32, u64)>,
}

impl Metrics {
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let counters = |name: &str, help: &str, labels: &[&str]| {
            let counters = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(counters.clone())).map(|()| counters)
        };
        let counter = |name: &str, help: &str| {
            let counter = IntCounter::new(name, help)?;
            registry.register(Box::new(counter.clone())).map(|()| counter)
        };
        let histograms = |name: &str, help: &str, labels: &[&str], buckets: &[f64]| {
            let histograms = HistogramVec::new(HistogramOpts::new(name, help).buckets(buckets.to_vec()), labels)?;
            registry.register(Box::new(histograms.clone())).map(|()| histograms)
        };
        let gauges = |name: &str, help: &str, labels: &[&str]| {
            let gauges = GaugeVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(gauges.clone())).map(|()| gauges)
        };
        let leader = Gauge::new("fleet_scheduler_leader", "1 where this scheduler leads, 0 where it stands by.")?;
        registry.register(Box::new(leader.clone()))?;
        let attempts_failed = counters(
            "fleet_step_attempts_failed_total",
            "Attempts at steps that failed, by the kind of failure.",
            &["kind"],
        )?;
        // What an alert is set on is there before it first happens.
        for kind in FailureKind::ALL {
            attempts_failed.with_label_values(&[kind.as_str()]);
        }
        Ok(Self {
            runs_ended: counters(
                "fleet_runs_ended_total",
                "Runs that ended, by job and outcome.",
                &["job", "outcome"],
            )?,
            run_seconds: histograms("fleet_run_seconds", "From a run's start to its end.", &["job"], &RUN_SECONDS)?,
            steps_ended: counters("fleet_steps_ended_total", "Steps that ended, by outcome.", &["outcome"])?,
            step_seconds: histograms("fleet_step_seconds", "What a step took.", &["step"], &STEP_SECONDS)?,
            attempts_failed,
            firings: counters("fleet_schedule_firings_total", "Firings of schedules, by fate.", &["job", "fate"])?,
            rows_written: counter("fleet_rows_written_total", "Rows of committed tables that steps wrote.")?,
            bytes_written: counter("fleet_bytes_written_total", "Bytes of the tables' files that steps wrote.")?,
            bytes_scanned: counter("fleet_bytes_scanned_total", "Bytes that stages read from input files.")?,
            bytes_shuffled: counter("fleet_bytes_shuffled_total", "Bytes of the shuffle files that stages wrote.")?,
            stages: counter("fleet_stages_total", "Stages that ended.")?,
            tasks: counter("fleet_tasks_total", "Tasks of the stages that ended.")?,
            call_seconds: histograms("fleet_rpc_seconds", "What a call of a client took.", &["rpc"], &CALL_SECONDS)?,
            ledger_seconds: histograms(
                "fleet_ledger_seconds",
                "What a query or a transaction of the ledger took.",
                &["operation"],
                &CALL_SECONDS,
            )?,
            object_store_seconds: histograms(
                "fleet_object_store_seconds",
                "From a request to the object store to the beginning of its answer.",
                &["method", "outcome"],
                &CALL_SECONDS,
            )?,
            leader,
            runs: gauges("fleet_runs", "Runs that wait, are held back, or run.", &["state"])?,
            executor_slots: gauges("fleet_executor_slots", "Task slots of an executor.", &["executor"])?,
            executor_slots_used: gauges("fleet_executor_slots_used", "Of them, those in use.", &["executor"])?,
            executor_memory_bytes: gauges(
                "fleet_executor_memory_bytes",
                "Resident memory of an executor.",
                &["executor"],
            )?,
            registry,
        })
    }

    pub fn run_ended(&self, job: &str, outcome: &str, took: Option<Duration>) {
        self.runs_ended.with_label_values(&[job, outcome]).inc();
        if let Some(took) = took {
            self.run_seconds.with_label_values(&[job]).observe(took.as_secs_f64());
        }
    }

    pub fn step_ended(&self, step: &str, outcome: &str, took: Duration, rows: u64, bytes: u64) {
        self.steps_ended.with_label_values(&[outcome]).inc();
        self.step_seconds.with_label_values(&[step]).observe(took.as_secs_f64());
        self.rows_written.inc_by(rows);
        self.bytes_written.inc_by(bytes);
    }

    pub fn step_unsuccessful(&self, outcome: &str) {
        self.steps_ended.with_label_values(&[outcome]).inc();
    }

    pub fn attempt_failed(&self, kind: &str) {
        self.attempts_failed.with_label_values(&[kind]).inc();
    }

    pub fn fired(&self, job: &str, fate: &str) {
        self.firings.with_label_values(&[job, fate]).inc();
    }

    pub fn stage_ended(&self, tasks: u64, bytes_scanned: u64, bytes_shuffled: u64) {
        self.stages.inc();
        self.tasks.inc_by(tasks);
        self.bytes_scanned.inc_by(bytes_scanned);
        self.bytes_shuffled.inc_by(bytes_shuffled);
    }

    /// Measures a call until it is dropped.
    pub fn call(&self, rpc: &str) -> HistogramTimer {
        self.call_seconds.with_label_values(&[rpc]).start_timer()
    }

    /// A request to the object store: `ok`, `refused` by its answer (as a condition that does not hold is), or `failed`.
    pub fn requested(&self, request: Requested<'_>) {
        let outcome = match request.status {
            Some(200..400) => "ok",
            Some(400..500) => "refused",
            _ => "failed",
        };
        let seconds = self.object_store_seconds.with_label_values(&[request.method, outcome]);
        seconds.observe(request.took.as_secs_f64());
    }

    /// Everything in Prometheus's text format.
    pub fn text(&self, now: &Gauges) -> Result<String, prometheus::Error> {
        self.leader.set(f64::from(u8::from(now.leads)));
        for gauges in [&self.runs, &self.executor_slots, &self.executor_slots_used, &self.executor_memory_bytes] {
            gauges.reset();
        }
        for (state, count) in &now.runs {
            self.runs.with_label_values(&[state]).set(*count as f64);
        }
        for (executor, slots, used, memory_bytes) in &now.executors {
            self.executor_slots.with_label_values(&[executor]).set(f64::from(*slots));
            self.executor_slots_used.with_label_values(&[executor]).set(f64::from(*used));
            self.executor_memory_bytes.with_label_values(&[executor]).set(*memory_bytes as f64);
        }
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        String::from_utf8(text).map_err(|error| prometheus::Error::Msg(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_told() {
        let metrics = Metrics::new().unwrap();
        metrics.run_ended("weekly", "succeeded", Some(Duration::from_secs(2)));
        metrics.step_ended("a.b", "succeeded", Duration::from_millis(300), 10, 1_000);
        let executors = vec![("executor-1".to_owned(), 4, 1, 1_024)];
        let text = metrics.text(&Gauges { leads: true, runs: vec![("queued", 3)], executors }).unwrap();
        for line in [
            "fleet_runs_ended_total{job=\"weekly\",outcome=\"succeeded\"} 1",
            "fleet_rows_written_total 10",
            "fleet_scheduler_leader 1",
            "fleet_runs{state=\"queued\"} 3",
            "fleet_executor_slots_used{executor=\"executor-1\"} 1",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
        let text = metrics.text(&Gauges::default()).unwrap();
        assert!(!text.contains("executor-1"), "an executor that is gone is not told of");
    }
}
