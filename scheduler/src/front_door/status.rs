//! From errors to gRPC statuses, as `job_service.proto` promises them.

use tonic::metadata::MetadataValue;
use tonic::{Code, Status};

use crate::{ledger, service};

/// When to ask again after the queue was full, in milliseconds.
const PUSHBACK: &str = "2000";

impl From<service::Error> for Status {
    fn from(error: service::Error) -> Self {
        use service::Error;
        let message = error.to_string();
        match error {
            Error::NotLeader { leader } => {
                let mut status = Self::unavailable(message);
                if let Some(address) = leader.and_then(|leader| MetadataValue::try_from(leader).ok()) {
                    status.metadata_mut().insert("fleet-leader", address);
                }
                status
            }
            Error::Invalid { .. } => Self::invalid_argument(message),
            Error::NotFound { .. } => Self::not_found(message),
            Error::Unfit { .. } => Self::failed_precondition(message),
            Error::Ledger(error) => of_ledger(&error),
            Error::Jobs(error) => of_jobs(&error),
        }
    }
}

pub(super) fn of_ledger(error: &ledger::Error) -> Status {
    use ledger::Error;
    let message = error.to_string();
    match error {
        Error::Unavailable { .. } | Error::Fenced { .. } => {
            tracing::warn!(%error, "request not served");
            Status::unavailable(message)
        }
        Error::Invalid { .. } => Status::invalid_argument(message),
        Error::NotFound { .. } => Status::not_found(message),
        Error::Conflict { what, .. } if what.starts_with("idempotency key") => Status::already_exists(message),
        Error::Conflict { .. } => Status::failed_precondition(message),
        Error::QueueFull { .. } => {
            let mut status = Status::resource_exhausted(message);
            status.metadata_mut().insert("grpc-retry-pushback-ms", MetadataValue::from_static(PUSHBACK));
            status
        }
        Error::Database { .. } => {
            tracing::error!(%error, "request not served");
            Status::internal(message)
        }
    }
}

fn of_jobs(error: &fleet_jobs::Error) -> Status {
    let code = match error {
        fleet_jobs::Error::Invalid { .. } => Code::InvalidArgument,
        error if error.may_pass() => Code::Unavailable,
        _ => Code::Internal,
    };
    Status::new(code, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_code() {
        let not_leader = Status::from(service::Error::NotLeader { leader: Some("b:50060".to_owned()) });
        assert_eq!(
            (not_leader.code(), not_leader.metadata().get("fleet-leader").unwrap().to_str().unwrap()),
            (Code::Unavailable, "b:50060")
        );
        let full = of_ledger(&ledger::Error::QueueFull { limit: 1, queued: 1 });
        assert_eq!(full.code(), Code::ResourceExhausted);
        assert_eq!(full.metadata().get("grpc-retry-pushback-ms").unwrap().to_str().unwrap(), PUSHBACK);
        let conflict = |what: &str| ledger::Error::Conflict { what: what.to_owned(), problem: String::new() };
        assert_eq!(of_ledger(&conflict("idempotency key \"a\"")).code(), Code::AlreadyExists);
        assert_eq!(of_ledger(&conflict("run x")).code(), Code::FailedPrecondition);
    }
}
