//! Tells whoever watches a run that it changed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::ledger::RunId;

/// All clones are one.
#[derive(Clone, Default)]
pub struct Changes {
    watched: Arc<Mutex<HashMap<RunId, watch::Sender<bool>>>>,
}

impl Changes {
    /// Hears of every change from now on, and whether the latest was the run's end.
    pub fn watch(&self, run: RunId) -> watch::Receiver<bool> {
        let mut watched = self.watched();
        watched.retain(|_, sender| sender.receiver_count() > 0);
        watched.entry(run).or_insert_with(|| watch::Sender::new(false)).subscribe()
    }

    pub fn changed(&self, run: RunId) {
        self.tell(run, false);
    }

    pub fn ended(&self, run: RunId) {
        self.tell(run, true);
    }

    fn tell(&self, run: RunId, ended: bool) {
        if let Some(sender) = self.watched().get(&run) {
            sender.send_replace(ended);
        }
    }

    fn watched(&self) -> MutexGuard<'_, HashMap<RunId, watch::Sender<bool>>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use chrono::Utc;

    use super::*;

    #[tokio::test]
    async fn a_watcher_hears_of_its_run_only_and_is_forgotten_when_it_leaves() {
        let changes = Changes::default();
        let (one, other) = (RunId::new(Utc::now()), RunId::new(Utc::now()));
        let mut watcher = changes.watch(one);
        changes.changed(other);
        assert!(!watcher.has_changed().unwrap());
        changes.changed(one);
        watcher.changed().await.unwrap();
        assert!(!*watcher.borrow_and_update());
        changes.ended(one);
        assert!(*watcher.wait_for(|ended| *ended).await.unwrap());
        drop(watcher);
        let _watcher = changes.watch(other);
        assert_eq!(changes.watched().len(), 1);
    }
}
