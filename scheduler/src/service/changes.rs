//! Tells whoever watches a run that it changed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::ledger::RunId;

/// All clones are one.
#[derive(Clone, Default)]
pub struct Changes {
    watched: Arc<Mutex<HashMap<RunId, watch::Sender<()>>>>,
}

impl Changes {
    /// Hears of every change from now on.
    pub fn watch(&self, run: RunId) -> watch::Receiver<()> {
        let mut watched = self.watched();
        watched.retain(|_, sender| sender.receiver_count() > 0);
        watched.entry(run).or_insert_with(|| watch::Sender::new(())).subscribe()
    }

    pub fn changed(&self, run: RunId) {
        if let Some(sender) = self.watched().get(&run) {
            sender.send_replace(());
        }
    }

    fn watched(&self) -> MutexGuard<'_, HashMap<RunId, watch::Sender<()>>> {
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
        drop(watcher);
        let _watcher = changes.watch(other);
        assert_eq!(changes.watched().len(), 1);
    }
}
