//! What keeps runs of one process out of each other's way.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};

/// The turns of steps: one at a time for each table, and no more at once than there is room for. All clones share them.
#[derive(Clone)]
pub struct Turns {
    tables: Arc<Mutex<BTreeMap<String, Arc<tokio::sync::Mutex<()>>>>>,
    room: Arc<Semaphore>,
    steps: usize,
}

/// Held while a step goes on.
pub struct Turn {
    _table: OwnedMutexGuard<()>,
    _place: OwnedSemaphorePermit,
}

impl Turns {
    /// At most `steps` at once.
    pub fn new(steps: usize) -> Self {
        let steps = steps.max(1);
        Self { tables: Arc::default(), room: Arc::new(Semaphore::new(steps)), steps }
    }

    /// Waits for a table that a step shares with others, while it has its own turn.
    pub async fn table(&self, table: &str) -> OwnedMutexGuard<()> {
        let of_table = {
            let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(tables.entry(table.to_owned()).or_default())
        };
        of_table.lock_owned().await
    }

    /// Waits for the table, then for room, in the order of asking.
    pub async fn take(&self, table: &str) -> Turn {
        let table = self.table(table).await;
        match Arc::clone(&self.room).acquire_owned().await {
            Ok(place) => Turn { _table: table, _place: place },
            // Nobody has a turn any more.
            Err(_) => std::future::pending().await,
        }
    }

    /// From now on no step begins. Those that have begun go on.
    pub fn close(&self) {
        self.room.close();
    }

    /// Whether no step goes on.
    pub fn are_free(&self) -> bool {
        self.room.available_permits() == self.steps
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    async fn is_free(turns: &Turns, table: &str) -> bool {
        tokio::time::timeout(Duration::from_millis(20), turns.take(table)).await.is_ok()
    }

    #[tokio::test]
    async fn a_table_is_written_by_one_step_at_a_time() {
        let turns = Turns::new(5);
        let turn = turns.take("a.b").await;
        assert!(!is_free(&turns, "a.b").await);
        assert!(is_free(&turns, "a.c").await);
        drop(turn);
        assert!(is_free(&turns, "a.b").await);
    }

    #[tokio::test]
    async fn no_more_steps_at_once_than_there_is_room_for() {
        let turns = Turns::new(1);
        let turn = turns.take("a.b").await;
        assert!(!is_free(&turns, "a.c").await);
        drop(turn);
        assert!(is_free(&turns, "a.c").await);
        turns.close();
        assert!(!is_free(&turns, "a.c").await);
    }

    #[tokio::test]
    async fn turns_that_are_closed_become_free_when_the_last_step_ends() {
        let turns = Turns::new(2);
        let turn = turns.take("a.b").await;
        turns.close();
        assert!(!turns.are_free());
        drop(turn);
        assert!(turns.are_free());
    }
}
