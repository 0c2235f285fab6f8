//! What is told while rounds are played, past the test runner: it keeps to itself what a test prints until that ends.

use std::any::Any;
use std::fmt;
use std::io::Write;

/// Of the rounds, a line.
pub fn say(text: fmt::Arguments<'_>) {
    tell(format_args!("chaos: {text}"));
}

pub fn tell(text: fmt::Arguments<'_>) {
    _ = writeln!(std::io::stderr(), "{text}");
}

/// What an assertion said.
pub fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked")
}
