//! Plain text from what messages hold: numbers, words, tables and trees. Pure; never prints.

mod numbers;
mod table;
mod tree;
mod words;

pub use numbers::{bytes, counted, elapsed, instant, interval, rows, seconds, span};
pub use table::{Table, fields};
pub use tree::Tree;
pub use words::{
    catch_up, executor_state, failure, interval_unit, ledger, materialisation, origin, overlap, run_state, spoken,
    step_kind, step_state,
};
