//! How a command of the client ends when it does not end well, and the exit code of each way.

use std::fmt;

use fleet_proto::v1::{FailureKind, Run, RunState};
use tonic::{Code, Status};

/// What scripts can rely on, beside 0 for done.
pub const FAILED: u8 = 1;
pub const WRONG_USE: u8 = 2;
pub const CHECK_FAILED: u8 = 3;
pub const CANCELLED: u8 = 4;
pub const UNREACHABLE: u8 = 5;
pub const QUEUE_FULL: u8 = 6;
pub const INTERRUPTED: u8 = 130;

/// The metadata key by which a full server says when to ask again.
const PUSHBACK: &str = "grpc-retry-pushback-ms";

/// Each says the thing, what was expected and what to do. `asked` is what was asked for, such as `cancel run 0197…`.
#[derive(Debug)]
pub enum Error {
    /// The command line makes no sense in itself.
    WrongUse(String),
    /// The server said no.
    Refused { asked: String, status: Status },
    /// No server answered as the leader in time.
    Unreachable { asked: String, why: String },
    /// The run failed, or what was waited for did not come.
    Failed(String),
    /// The run failed by a check, or by a verification.
    CheckFailed(String),
    /// The run was cancelled.
    Cancelled(String),
    /// The user did not wait for the end. What was asked for goes on.
    Interrupted(String),
    /// Several of one command, in the order in which they came.
    Several(Vec<Error>),
}

impl Error {
    /// The exit code. Of several it is that of the first.
    pub fn code(&self) -> u8 {
        match self {
            Self::WrongUse(_) => WRONG_USE,
            Self::Refused { status, .. } => match status.code() {
                Code::InvalidArgument | Code::NotFound => WRONG_USE,
                Code::ResourceExhausted => QUEUE_FULL,
                Code::Unavailable => UNREACHABLE,
                _ => FAILED,
            },
            Self::Unreachable { .. } => UNREACHABLE,
            Self::Failed(_) => FAILED,
            Self::CheckFailed(_) => CHECK_FAILED,
            Self::Cancelled(_) => CANCELLED,
            Self::Interrupted(_) => INTERRUPTED,
            Self::Several(errors) => errors.first().map_or(FAILED, Self::code),
        }
    }

    /// One error of many, none of none.
    pub fn of(mut errors: Vec<Self>) -> Result<(), Self> {
        match errors.len() {
            0 => Ok(()),
            1 => Err(errors.remove(0)),
            _ => Err(Self::Several(errors)),
        }
    }
}

impl std::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { asked, status } => {
                let said = match status.message() {
                    "" => status.code().description(),
                    message => message,
                };
                write!(formatter, "{asked}: {said}{}", advice(status))
            }
            Self::Unreachable { asked, why } => write!(
                formatter,
                "{asked}: {why}; expected a front door that leads: check --server (FLEET_SERVER), or ask again later"
            ),
            Self::WrongUse(text)
            | Self::Failed(text)
            | Self::CheckFailed(text)
            | Self::Cancelled(text)
            | Self::Interrupted(text) => formatter.write_str(text),
            Self::Several(errors) => {
                let texts: Vec<String> = errors.iter().map(Self::to_string).collect();
                formatter.write_str(&texts.join("\nerror: "))
            }
        }
    }
}

/// What to do about a status, beyond what the server says itself.
fn advice(status: &Status) -> String {
    match status.code() {
        Code::AlreadyExists => "; leave --key out, or use another, to ask for something else".to_owned(),
        Code::ResourceExhausted => match pushback_seconds(status) {
            Some(seconds) => format!("; ask again in {}", super::text::seconds(seconds)),
            None => "; ask again later".to_owned(),
        },
        Code::DeadlineExceeded => {
            "; a change may have been made all the same: look with `fleet runs`, or repeat it with its --key".to_owned()
        }
        Code::Unauthenticated | Code::PermissionDenied => {
            "; ask as someone who may, with --user (FLEET_USER)".to_owned()
        }
        Code::Unimplemented => {
            "; expected the front door (50060 unless told otherwise) of a scheduler of this version: check --server"
                .to_owned()
        }
        Code::Internal | Code::Unknown | Code::DataLoss => "; that is a fault of the server: see its log".to_owned(),
        _ => String::new(),
    }
}

/// When to ask again, as the server says.
pub fn pushback_seconds(status: &Status) -> Option<f64> {
    let milliseconds: u32 = status.metadata().get(PUSHBACK)?.to_str().ok()?.parse().ok()?;
    Some(f64::from(milliseconds) / 1000.0)
}

/// How the end of a run is told to the caller: nothing but success is none.
pub fn outcome(run: &Run) -> Result<(), Error> {
    let id = &run.id;
    let reason = if run.reason.is_empty() { String::new() } else { format!(": {}", run.reason) };
    match run.state() {
        RunState::Succeeded => Ok(()),
        RunState::Cancelled => {
            Err(Error::Cancelled(format!("run {id} was cancelled{reason}; `fleet retry {id}` takes it up again")))
        }
        _ => {
            let text = format!(
                "run {id} failed{reason}; `fleet runs show {id}` shows its attempts, `fleet retry {id}` takes it up again"
            );
            Err(match run.failure() {
                FailureKind::Check | FailureKind::Verify => Error::CheckFailed(text),
                _ => Error::Failed(text),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: Status) -> Error {
        Error::Refused { asked: "cancel run 7".to_owned(), status }
    }

    #[test]
    fn each_status_has_its_code() {
        let codes = [
            (Code::InvalidArgument, 2),
            (Code::NotFound, 2),
            (Code::AlreadyExists, 1),
            (Code::FailedPrecondition, 1),
            (Code::PermissionDenied, 1),
            (Code::DeadlineExceeded, 1),
            (Code::Internal, 1),
            (Code::Unavailable, 5),
            (Code::ResourceExhausted, 6),
        ];
        for (code, expected) in codes {
            assert_eq!(refused(Status::new(code, "")).code(), expected, "{code:?}");
        }
    }

    #[test]
    fn each_end_of_a_run_has_its_code() {
        let code = |state: RunState, failure: FailureKind| {
            let mut run = Run::default();
            run.set_state(state);
            run.set_failure(failure);
            outcome(&run).map_or_else(|error| error.code(), |()| 0)
        };
        assert_eq!(code(RunState::Succeeded, FailureKind::Unspecified), 0);
        assert_eq!(code(RunState::Failed, FailureKind::Query), 1);
        assert_eq!(code(RunState::Failed, FailureKind::Check), 3);
        assert_eq!(code(RunState::Failed, FailureKind::Verify), 3);
        assert_eq!(code(RunState::Cancelled, FailureKind::Unspecified), 4);
    }

    #[test]
    fn an_error_says_the_thing_and_what_to_do() {
        let mut full = Status::resource_exhausted("the queue has 100 runs, its most");
        full.metadata_mut().insert(PUSHBACK, "2500".parse().unwrap());
        assert_eq!(refused(full).to_string(), "cancel run 7: the queue has 100 runs, its most; ask again in 2.5 s");
        let run = Run { id: "7".to_owned(), state: RunState::Cancelled.into(), ..Run::default() };
        assert_eq!(outcome(&run).unwrap_err().to_string(), "run 7 was cancelled; `fleet retry 7` takes it up again");
        assert!(refused(Status::unimplemented("")).to_string().contains("check --server"));
    }

    #[test]
    fn of_several_errors_the_first_has_the_code() {
        let errors = || vec![refused(Status::not_found("a")), Error::Failed("b".to_owned())];
        let error = Error::of(errors()).unwrap_err();
        assert_eq!((error.code(), error.to_string()), (2, "cancel run 7: a\nerror: b".to_owned()));
        assert!(Error::of(Vec::new()).is_ok());
    }
}
