//! Which server to ask next. Pure: never connects, never sleeps.

use std::time::Duration;

const PAUSE_FIRST: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// So often in a round of all servers a hint at the leader is followed: hints may be stale, and may lead in a circle.
const HINTS_MAX: usize = 3;

/// The servers that are known, and the one that is asked now.
pub struct Route {
    known: Vec<String>,
    current: String,
    /// Place in `known` of the server that comes next.
    next: usize,
    /// Servers of `known` that failed in this round.
    failed: usize,
    hints: usize,
    rounds: u32,
    seed: u64,
}

impl Route {
    /// Begins with the first of `known`. The seed spreads the pauses of clients that lost the same leader.
    pub fn new(known: &[String], seed: u64) -> Self {
        let current = known.first().cloned().unwrap_or_default();
        Self { known: known.to_vec(), current, next: 1, failed: 0, hints: 0, rounds: 0, seed }
    }

    pub fn current(&self) -> &str {
        &self.current
    }

    /// The server that is asked now leads.
    pub fn answered(&mut self) {
        (self.failed, self.hints, self.rounds) = (0, 0, 0);
    }

    /// The server that is asked now does not lead, or does not answer. Turns to the next one, and says how long to wait
    /// before: not at all, until all were asked in vain.
    pub fn failed(&mut self, leader: Option<&str>) -> Duration {
        if let Some(leader) = leader.filter(|leader| *leader != self.current && self.hints < HINTS_MAX) {
            self.hints += 1;
            self.current = leader.to_owned();
            return Duration::ZERO;
        }
        self.failed += 1;
        let servers = self.known.len().max(1);
        if let Some(next) = self.known.get(self.next % servers) {
            self.current.clone_from(next);
        }
        self.next = (self.next + 1) % servers;
        if self.failed < servers {
            return Duration::ZERO;
        }
        (self.failed, self.hints) = (0, 0);
        self.rounds = self.rounds.saturating_add(1);
        self.pause()
    }

    /// Doubles by the round, less up to a half by chance.
    fn pause(&mut self) -> Duration {
        let whole = PAUSE_FIRST.saturating_mul(1 << (self.rounds - 1).min(10)).min(PAUSE_MAX);
        // Marsaglia's xorshift: enough to tell clients apart.
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        whole.mul_f64(0.5 + (self.seed % 1000) as f64 / 2000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(servers: &[&str]) -> Route {
        Route::new(&servers.iter().map(|&server| server.to_owned()).collect::<Vec<_>>(), 7)
    }

    #[test]
    fn all_servers_are_asked_before_a_pause() {
        let mut route = route(&["a", "b", "c"]);
        assert_eq!((route.failed(None), route.current()), (Duration::ZERO, "b"));
        assert_eq!((route.failed(None), route.current()), (Duration::ZERO, "c"));
        assert!(route.failed(None) > Duration::ZERO);
        assert_eq!(route.current(), "a");
    }

    #[test]
    fn a_hint_is_followed_at_once_but_not_in_a_circle() {
        let mut route = route(&["a"]);
        assert_eq!((route.failed(Some("b")), route.current()), (Duration::ZERO, "b"));
        assert_eq!((route.failed(Some("a")), route.current()), (Duration::ZERO, "a"));
        assert_eq!((route.failed(Some("b")), route.current()), (Duration::ZERO, "b"));
        assert!(route.failed(Some("a")) > Duration::ZERO);
        assert_eq!(route.current(), "a");
    }

    #[test]
    fn a_server_that_names_itself_is_left_for_the_next() {
        let mut route = route(&["a", "b"]);
        assert_eq!((route.failed(Some("a")), route.current()), (Duration::ZERO, "b"));
    }

    #[test]
    fn pauses_double_up_to_a_bound_and_begin_again_after_an_answer() {
        let mut route = route(&["a"]);
        let pauses: Vec<Duration> = (0..40).map(|_| route.failed(None)).collect();
        for (round, pause) in pauses.iter().enumerate() {
            let whole = PAUSE_FIRST.saturating_mul(1 << round.min(10)).min(PAUSE_MAX);
            assert!(*pause >= whole / 2 && *pause <= whole, "round {round}: {pause:?}");
        }
        route.answered();
        assert!(route.failed(None) <= PAUSE_FIRST);
    }
}
