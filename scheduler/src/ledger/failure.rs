//! What kind of thing went wrong.

use super::words::words;

words! {
    /// Tells a leader whether to try again by itself, and a client what to do. The ledger decides nothing by it.
    FailureKind {
        /// The catalogue, a query or a setting is wrong.
        Invalid => "invalid",
        /// The rows broke a check in the model's header.
        Check => "check",
        /// The cluster's result differs from that of one process.
        Verify => "verify",
        /// The query fails on its data.
        Query => "query",
        /// Another writer committed first.
        Conflict => "conflict",
        /// An executor was lost, or the cluster could not be reached.
        Cluster => "cluster",
        /// The object store could not be reached or refused.
        Storage => "storage",
        /// The database published to could not be reached or refused.
        Database => "database",
        /// A task's memory did not suffice.
        Memory => "memory",
        /// A step or the run took longer than allowed.
        Timeout => "timeout",
        /// The leader died or lost its lease while the step ran.
        Leader => "leader",
        /// A fault of this software.
        Internal => "internal",
    }
}
