//! Until when this process leads, by a clock that never jumps.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use fleet_jobs::warehouse::Leave;

/// A commit that is begun must be over before another scheduler can lead.
const COMMIT: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub struct Deadline(Mutex<Instant>);

impl Deadline {
    /// Of a lease that was asked for at an instant: it began later, so it ends later.
    pub fn new(asked: Instant, lasts: Duration) -> Self {
        Self(Mutex::new(asked + lasts))
    }

    pub fn prolong(&self, asked: Instant, lasts: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = asked + lasts;
    }

    /// From now on nothing may be committed.
    pub fn end(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    pub fn is_over(&self) -> bool {
        self.left().is_zero()
    }

    /// Shortly before the end it is not known yet whether the lease will be prolonged.
    pub fn leave(&self) -> Leave {
        match self.left() {
            left if left > COMMIT => Leave::Given,
            left if left.is_zero() => Leave::Refused,
            _ => Leave::Undecided,
        }
    }

    fn left(&self) -> Duration {
        let ends = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ends.saturating_duration_since(Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_committed_shortly_before_the_end() {
        let deadline = Deadline::new(Instant::now(), COMMIT / 2);
        assert!(!deadline.is_over());
        assert_eq!(deadline.leave(), Leave::Undecided);
        deadline.prolong(Instant::now(), COMMIT * 2);
        assert_eq!(deadline.leave(), Leave::Given);
        deadline.end();
        assert!(deadline.is_over());
        assert_eq!(deadline.leave(), Leave::Refused);
    }
}
