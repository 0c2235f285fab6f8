//! Enums of the wire as lower-case words: `up_to_date`. One from a later version is `unknown_<number>`.

use fleet_proto::v1::{
    CatchUpPolicy, ExecutorState, FailureKind, IntervalUnit, LedgerKind, Materialisation, OverlapPolicy, RunOrigin,
    RunState, StepKind, StepState,
};

/// A word as it stands in a sentence: `up to date`.
pub fn spoken(word: &str) -> String {
    word.replace('_', " ")
}

pub fn run_state(value: i32) -> String {
    word(value, RunState::as_str_name, "RUN_STATE_")
}

pub fn origin(value: i32) -> String {
    word(value, RunOrigin::as_str_name, "RUN_ORIGIN_")
}

pub fn failure(value: i32) -> String {
    word(value, FailureKind::as_str_name, "FAILURE_KIND_")
}

pub fn step_kind(value: i32) -> String {
    word(value, StepKind::as_str_name, "STEP_KIND_")
}

pub fn step_state(value: i32) -> String {
    word(value, StepState::as_str_name, "STEP_STATE_")
}

pub fn interval_unit(value: i32) -> String {
    word(value, IntervalUnit::as_str_name, "INTERVAL_UNIT_")
}

pub fn overlap(value: i32) -> String {
    word(value, OverlapPolicy::as_str_name, "OVERLAP_POLICY_")
}

pub fn catch_up(value: i32) -> String {
    word(value, CatchUpPolicy::as_str_name, "CATCH_UP_POLICY_")
}

pub fn materialisation(value: i32) -> String {
    word(value, Materialisation::as_str_name, "MATERIALISATION_")
}

pub fn executor_state(value: i32) -> String {
    word(value, ExecutorState::as_str_name, "EXECUTOR_STATE_")
}

pub fn ledger(value: i32) -> String {
    word(value, LedgerKind::as_str_name, "LEDGER_KIND_")
}

fn word<E: TryFrom<i32>>(value: i32, name: impl Fn(&E) -> &'static str, prefix: &str) -> String {
    match E::try_from(value) {
        Ok(known) => name(&known).trim_start_matches(prefix).to_ascii_lowercase(),
        Err(_) => format!("unknown_{value}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enums_are_lower_case_words() {
        assert_eq!(step_state(StepState::UpToDate.into()), "up_to_date");
        assert_eq!(spoken(&step_state(StepState::BackingOff.into())), "backing off");
        assert_eq!(interval_unit(IntervalUnit::Month.into()), "month");
        assert_eq!(failure(0), "unspecified");
        assert_eq!(run_state(77), "unknown_77");
    }
}
