//! What can go wrong with a request to the job service, in kinds that a front door can tell apart.

use crate::ledger;

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another scheduler leads, or none does yet, or this one is about to stop.
    #[error("{}", not_leader(leader.as_deref()))]
    NotLeader { leader: Option<String> },
    /// A field of the request is not what it can be.
    #[error("{field}: {problem}")]
    Invalid { field: String, problem: String },
    #[error("{what}")]
    NotFound { what: String },
    /// What was asked for does not fit the state that the thing is in.
    #[error("{what}: {problem}")]
    Unfit { what: String, problem: String },
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
    #[error(transparent)]
    Jobs(#[from] fleet_jobs::Error),
}

impl Error {
    pub fn invalid(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), problem: problem.into() }
    }

    pub fn unfit(what: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Unfit { what: what.into(), problem: problem.into() }
    }
}

fn not_leader(leader: Option<&str>) -> String {
    match leader {
        Some(address) => format!("this scheduler is not the leader; ask the one at {address}"),
        None => "no scheduler leads at the moment; ask again in some seconds".to_owned(),
    }
}
