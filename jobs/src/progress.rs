//! What a long operation tells while it runs. Who listens decides how to show it.

use std::time::Duration;

use crate::Error;
use crate::engine::Stage;
use crate::run::StepReport;

/// A listener. Called from the driver's task; must not block.
pub trait Progress: Send + Sync {
    fn report(&self, event: Event<'_>);
}

/// `step` is the name of a source, a table or a model.
#[derive(Clone, Copy)]
pub enum Event<'a> {
    /// These steps will follow, in this order where they do not run at once.
    Planned {
        steps: &'a [String],
    },
    /// An attempt begins, or goes on to something else.
    Started {
        step: &'a str,
        doing: &'a str,
    },
    /// An attempt was lost to something that can pass, and another begins after the wait.
    Retrying {
        step: &'a str,
        error: &'a Error,
        wait: Duration,
    },
    Ended(Ended<'a>),
    Failed {
        step: &'a str,
        error: &'a Error,
    },
    /// A step that it reads from failed, or was skipped.
    Skipped {
        step: &'a str,
        because: &'a str,
    },
    /// Something a person should know, though it stops nothing.
    Notice {
        step: &'a str,
        text: &'a str,
    },
    /// The stages that ran, as they were executed.
    Stages {
        step: &'a str,
        stages: &'a [Stage],
    },
}

/// A step that did what it was to do.
#[derive(Clone, Copy)]
pub struct Ended<'a> {
    pub report: &'a StepReport,
    pub elapsed: Duration,
    pub note: &'a str,
}

/// Listens to nothing.
pub struct Silent;

impl Progress for Silent {
    fn report(&self, _event: Event<'_>) {}
}
