//! Takes the lease when nobody holds it, leads while it lasts, and stands by otherwise.
//!
//! **Invariant:** no clock of another process is believed. Whoever stands by takes a lease that has not been prolonged
//! for as long as it lasts, by its own clock; whoever leads stops by its own clock before that.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use tokio::sync::watch;

use super::deadline::Deadline;
use super::term::Term;
use super::{Service, TasksOf};
use crate::ledger::{self, Lease};

const LEASE: &str = "scheduler";
/// How long a lease lasts without being prolonged.
const LASTS: Duration = Duration::from_secs(9);
/// A leader stops so long before its lease can be taken.
const MARGIN: Duration = Duration::from_secs(1);
const RENEW_EVERY: Duration = Duration::from_millis(2_500);
/// A ledger that is slow is waited for; one that hangs is asked once more in time.
const RENEWAL_MAX: Duration = Duration::from_secs(4);
const RENEW_AGAIN: Duration = Duration::from_millis(250);
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Leads and stands by in turn until `stop` is true; then ends what it does, and gives the lease up.
pub(super) async fn run(service: Arc<Service>, tasks: TasksOf, mut stop: watch::Receiver<bool>) {
    let mut watch = Watch::default();
    while !*stop.borrow() {
        match watch.take(&service).await {
            Ok(Some((lease, asked))) => lead(&service, &lease, asked, &tasks, &mut stop).await,
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "cannot ask who leads"),
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }
}

async fn lead(
    service: &Arc<Service>,
    lease: &Lease,
    asked: Instant,
    tasks: &TasksOf,
    stop: &mut watch::Receiver<bool>,
) {
    let (fence, deadline) = (lease.fence(), Arc::new(Deadline::new(asked, LASTS - MARGIN)));
    let term = match Term::begin(service, fence.clone(), Arc::clone(&deadline), tasks()).await {
        Ok(term) => Arc::new(term),
        Err(error) => {
            tracing::error!(%error, "cannot lead");
            give_up(service, &fence).await;
            tokio::time::sleep(LOOK_EVERY * 4).await;
            return;
        }
    };
    tracing::info!(token = lease.token, cluster = %term.plane.address, "leading");
    service.leading.send_replace(Some(Arc::clone(&term)));
    let stopped = tokio::select! {
        problem = term.lead(service) => {
            tracing::error!(problem, "leading no longer");
            false
        }
        () = renew(service, &deadline) => {
            tracing::error!("the lease was not prolonged in time, leading no longer");
            false
        }
        () = drained(service, &term, stop) => true,
    };
    deadline.end();
    service.leading.send_replace(None);
    if stopped {
        give_up(service, &fence).await;
    }
    term.plane.stop().await;
}

/// Begins no step any more, and waits for those that have begun, but not for ever.
async fn drained(service: &Service, term: &Term, stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        return;
    }
    term.turns().close();
    service.draining.send_replace(true);
    let until = Instant::now() + service.settings.grace;
    while Instant::now() < until && !term.turns().are_free() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn give_up(service: &Service, fence: &ledger::Fence) {
    let released = tokio::time::timeout(Duration::from_secs(2), service.ledger.release(fence)).await;
    if !matches!(released, Ok(Ok(()))) {
        tracing::warn!("the lease was not given up, it runs out by itself");
    }
}

/// Prolongs the lease until that cannot be done in time.
async fn renew(service: &Service, deadline: &Deadline) {
    let mut wait = RENEW_EVERY;
    loop {
        tokio::time::sleep(wait).await;
        let (asked, holder) = (Instant::now(), service.holder());
        let renewal = service.ledger.acquire_or_renew(LEASE, &holder, Utc::now(), LASTS);
        wait = RENEW_AGAIN;
        match tokio::time::timeout(RENEWAL_MAX, renewal).await {
            Ok(Ok(Some(lease))) => {
                deadline.prolong(asked, LASTS - MARGIN);
                service.leader.send_replace(Some(lease));
                wait = RENEW_EVERY.saturating_sub(asked.elapsed());
            }
            Ok(Ok(None)) => return,
            Ok(Err(error)) => tracing::warn!(%error, "lease not prolonged"),
            Err(_) => tracing::warn!("lease not prolonged: the ledger did not answer in time"),
        }
        if deadline.is_over() {
            return;
        }
    }
}

/// What is known of the lease of another.
#[derive(Default)]
struct Watch {
    /// The lease as it was last seen, and since when it has been the same.
    seen: Option<(u64, DateTime<Utc>, Instant)>,
}

impl Watch {
    /// Takes the lease if nobody has it, or whoever has it is gone; tells when it was asked for.
    async fn take(&mut self, service: &Service) -> ledger::Result<Option<(Lease, Instant)>> {
        let now = match service.ledger.lease(LEASE).await? {
            None => Utc::now(),
            Some(lease) if lease.holder == service.holder() => {
                // Of a term that is over. Each has a token of its own.
                service.ledger.release(&lease.fence()).await?;
                Utc::now()
            }
            Some(lease) => {
                let same =
                    self.seen.filter(|(token, expires_at, _)| (*token, *expires_at) == (lease.token, lease.expires_at));
                let (_, _, since) = *self.seen.insert(same.unwrap_or((lease.token, lease.expires_at, Instant::now())));
                service.leader.send_replace(Some(lease.clone()));
                if since.elapsed() < LASTS {
                    return Ok(None);
                }
                lease.expires_at
            }
        };
        let take = async |now| {
            let asked = Instant::now();
            let taken = service.ledger.acquire_or_renew(LEASE, &service.holder(), now, LASTS).await?;
            Ok::<_, ledger::Error>(taken.map(|lease| (lease, asked)))
        };
        let mut taken = take(now).await?;
        // What is left of a lease that took long to get would not do for much.
        if taken.as_ref().is_some_and(|(_, asked)| asked.elapsed() > MARGIN) {
            taken = take(Utc::now()).await?;
        }
        if let Some((lease, _)) = &taken {
            self.seen = None;
            service.leader.send_replace(Some(lease.clone()));
        }
        Ok(taken)
    }
}
