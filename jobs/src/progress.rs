//! What a long operation tells while it runs. Who listens decides how to show it.

use std::time::Duration;

use crate::Error;
use crate::engine::Stage;

/// A listener. Called from the driver's task; must not block.
pub trait Progress: Send + Sync {
    fn report(&self, event: Event<'_>);
}

/// `step` is the name of a source, a table or a model.
pub enum Event<'a> {
    /// These steps will follow, in this order where they do not run at once.
    Planned {
        steps: &'a [String],
    },
    Started {
        step: &'a str,
        doing: &'a str,
    },
    /// An attempt was lost to something that can pass, and another begins.
    Retrying {
        step: &'a str,
        error: &'a Error,
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
#[derive(Default)]
pub struct Ended<'a> {
    pub step: &'a str,
    /// Nothing had to be done.
    pub up_to_date: bool,
    pub rows: u64,
    pub files: usize,
    pub elapsed: Duration,
    pub note: &'a str,
}

/// Listens to nothing.
pub struct Silent;

impl Progress for Silent {
    fn report(&self, _event: Event<'_>) {}
}
