//! What goes wrong in a round, and when: all of it follows from the round's seed. Pure: never touches a process.

use std::fmt;
use std::time::Duration;

use fleet_testing::Shutdown;

use crate::random::Random;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disturbance {
    LeaderKilled,
    StandbyKilled,
    ExecutorKilled,
    ExecutorsKilled,
    PostgresStopped(Shutdown),
    MinioKilled,
    /// It wakes up when another has long been leading.
    LeaderFrozen,
    LeaderTerminated,
}

/// One round's fault.
pub struct Plan {
    pub seed: u64,
    pub disturbance: Disturbance,
    /// Of the time that the undisturbed runs took, how much goes by before.
    pub share: f64,
    /// How long what was hit is not there.
    pub away: Duration,
    /// Which of the executors is meant, where one is.
    pub executor: usize,
}

impl Disturbance {
    pub const ALL: [Self; 9] = [
        Self::LeaderKilled,
        Self::StandbyKilled,
        Self::ExecutorKilled,
        Self::ExecutorsKilled,
        Self::PostgresStopped(Shutdown::Fast),
        Self::PostgresStopped(Shutdown::Immediate),
        Self::MinioKilled,
        Self::LeaderFrozen,
        Self::LeaderTerminated,
    ];

    /// Seconds, at least and at most.
    fn away(self) -> (f64, f64) {
        match self {
            // A supervisor starts a process again after some seconds.
            Self::LeaderKilled
            | Self::StandbyKilled
            | Self::ExecutorKilled
            | Self::ExecutorsKilled
            | Self::LeaderTerminated => (1.0, 6.0),
            // The lease lasts for 9 s: it may run out, or not.
            Self::PostgresStopped(_) => (1.0, 20.0),
            Self::MinioKilled => (2.0, 60.0),
            Self::LeaderFrozen => (20.0, 20.0),
        }
    }
}

impl Plan {
    /// Seeds that follow each other go through all disturbances in turn.
    pub fn of(seed: u64) -> Self {
        let mut random = Random::of(seed);
        let turn = seed % Disturbance::ALL.len() as u64;
        let disturbance = Disturbance::ALL[usize::try_from(turn).unwrap()];
        let (least, most) = disturbance.away();
        Self {
            seed,
            disturbance,
            share: 0.95 * random.unit(),
            away: random.seconds(least, most),
            executor: usize::from(random.unit() < 0.5),
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.disturbance {
            Disturbance::LeaderKilled => "leader killed".to_owned(),
            Disturbance::StandbyKilled => "standby killed".to_owned(),
            Disturbance::ExecutorKilled => format!("executor {} killed", self.executor),
            Disturbance::ExecutorsKilled => "all executors killed".to_owned(),
            Disturbance::PostgresStopped(Shutdown::Fast) => "PostgreSQL stopped (fast)".to_owned(),
            Disturbance::PostgresStopped(Shutdown::Immediate) => "PostgreSQL stopped (immediate)".to_owned(),
            Disturbance::MinioKilled => "MinIO killed".to_owned(),
            Disturbance::LeaderFrozen => "leader frozen".to_owned(),
            Disturbance::LeaderTerminated => "leader terminated".to_owned(),
        };
        write!(f, "{what} at {:.0} % for {:.1} s", 100.0 * self.share, self.away.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_plan_always() {
        let [one, other] = [Plan::of(17), Plan::of(17)];
        assert_eq!((one.disturbance, one.away, one.executor), (other.disturbance, other.away, other.executor));
        assert_eq!(one.share.to_bits(), other.share.to_bits());
    }

    #[test]
    fn the_short_form_has_each_disturbance_once_in_the_midst_and_waits_little() {
        let plans: Vec<Plan> = (crate::SHORT_SEED..crate::SHORT_SEED + crate::SHORT_ROUNDS).map(Plan::of).collect();
        for disturbance in Disturbance::ALL {
            assert_eq!(plans.iter().filter(|plan| plan.disturbance == disturbance).count(), 1, "{disturbance:?}");
        }
        assert!(plans.iter().all(|plan| (0.2..0.8).contains(&plan.share)));
        let away: Duration = plans.iter().map(|plan| plan.away).sum();
        assert!(away < Duration::from_secs(70), "{away:?}");
    }
}
