//! What a long operation tells while it runs. Who listens decides how to show it.

use std::time::Duration;

use crate::engine::Stage;

/// A listener. Called from the driver's task; must not block.
pub trait Progress: Send + Sync {
    fn report(&self, event: Event<'_>);
}

/// `step` is the name of a source, a table or a model.
pub enum Event<'a> {
    /// So many steps will follow.
    Planned {
        steps: usize,
    },
    Started {
        step: &'a str,
        doing: &'a str,
    },
    /// Nothing had to be done.
    UpToDate {
        step: &'a str,
    },
    Done {
        step: &'a str,
        rows: u64,
        files: usize,
        elapsed: Duration,
        note: &'a str,
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

/// Listens to nothing.
pub struct Silent;

impl Progress for Silent {
    fn report(&self, _event: Event<'_>) {}
}
