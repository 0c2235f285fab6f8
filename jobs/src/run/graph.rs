//! The order of a run's steps: each after those it waits for, as soon as they are done.

use std::collections::BTreeSet;

use datafusion::common::runtime::SpawnedTask;
use futures::stream::{FuturesUnordered, StreamExt};
use tracing::Instrument;

/// What became of a step.
#[derive(Debug, PartialEq)]
pub(crate) enum Outcome<T, E> {
    Done(T),
    Failed(E),
    /// A step it waits for failed, this one.
    Skipped(usize),
}

/// Does every step, earlier ones first where several are ready. A step whose predecessor failed is skipped, and all
/// others go on. `waits_for` has no cycle; what becomes of a step is told as soon as it is known.
pub(crate) async fn walk<T, E, F>(
    waits_for: &[BTreeSet<usize>],
    step: impl Fn(usize) -> F,
    skipped: impl Fn(usize, usize),
) -> Vec<Outcome<T, E>>
where
    F: Future<Output = Result<T, E>>,
{
    let mut waits_for = waits_for.to_vec();
    let mut outcomes: Vec<Option<Outcome<T, E>>> = waits_for.iter().map(|_| None).collect();
    let mut started = BTreeSet::new();
    let mut running = FuturesUnordered::new();
    loop {
        let ready = (0..waits_for.len()).filter(|step| waits_for[*step].is_empty() && !started.contains(step));
        for next in ready.collect::<Vec<_>>() {
            started.insert(next);
            let doing = step(next);
            running.push(async move { (next, doing.await) });
        }
        let Some((ended, result)) = running.next().await else { break };
        match result {
            Ok(done) => {
                waits_for.iter_mut().for_each(|waits| _ = waits.remove(&ended));
                outcomes[ended] = Some(Outcome::Done(done));
            }
            Err(error) => {
                for lost in after(&waits_for, ended) {
                    if outcomes[lost].is_none() {
                        skipped(lost, ended);
                        outcomes[lost] = Some(Outcome::Skipped(ended));
                    }
                }
                outcomes[ended] = Some(Outcome::Failed(error));
            }
        }
    }
    outcomes.into_iter().flatten().collect()
}

/// Lets a step think on whichever processor is free, as tables are decided and planned on in the driver. Where the result is no
/// longer waited for, the step ends.
pub(crate) async fn apart<T: Send + 'static>(step: impl Future<Output = T> + Send + 'static) -> T {
    match SpawnedTask::spawn(step.in_current_span()).join_unwind().await {
        Ok(result) => result,
        // Only a runtime that is shutting down cancels a task that is waited for.
        Err(_) => std::future::pending().await,
    }
}

/// The steps that wait for this one, themselves or by way of others.
fn after(waits_for: &[BTreeSet<usize>], step: usize) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut open = vec![step];
    while let Some(step) = open.pop() {
        let next = (0..waits_for.len()).filter(|other| waits_for[*other].contains(&step));
        open.extend(next.filter(|other| found.insert(*other)).collect::<Vec<_>>());
    }
    found
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Mutex;

    use super::{Outcome, walk};

    /// Walks with the steps of `failing` failing; gives the outcomes, the order of starts and the most at once.
    async fn walked(waits_for: &[&[usize]], failing: &[usize]) -> (Vec<Outcome<usize, usize>>, Vec<usize>, usize) {
        let waits_for: Vec<BTreeSet<usize>> = waits_for.iter().map(|waits| waits.iter().copied().collect()).collect();
        let log = Mutex::new((Vec::new(), 0, 0));
        let step = |index: usize| {
            let mut log_now = log.lock().unwrap();
            log_now.0.push(index);
            log_now.1 += 1;
            log_now.2 = log_now.2.max(log_now.1);
            let log = &log;
            async move {
                tokio::task::yield_now().await;
                log.lock().unwrap().1 -= 1;
                if failing.contains(&index) { Err(index) } else { Ok(index) }
            }
        };
        let outcomes = walk(&waits_for, step, |_, _| {}).await;
        let (order, _, most) = log.into_inner().unwrap();
        (outcomes, order, most)
    }

    #[tokio::test]
    async fn a_step_begins_when_those_it_waits_for_are_done() {
        let (outcomes, order, most) = walked(&[&[], &[0], &[0], &[1, 2]], &[]).await;
        assert_eq!(outcomes, (0..4).map(Outcome::Done).collect::<Vec<_>>());
        assert_eq!((order, most), (vec![0, 1, 2, 3], 2));
    }

    #[tokio::test]
    async fn what_waits_for_a_failed_step_is_skipped_and_the_rest_goes_on() {
        let (outcomes, order, _) = walked(&[&[], &[0], &[1], &[]], &[0]).await;
        assert_eq!(outcomes, [Outcome::Failed(0), Outcome::Skipped(0), Outcome::Skipped(0), Outcome::Done(3)]);
        assert_eq!(order, [0, 3]);
    }

    #[tokio::test]
    async fn a_step_that_waits_for_two_failed_ones_is_skipped_once() {
        let told = Mutex::new(Vec::new());
        let waits_for = [BTreeSet::new(), BTreeSet::new(), BTreeSet::from([0, 1])];
        let fails = |step: usize| async move { Err::<usize, usize>(step) };
        let outcomes = walk(&waits_for, fails, |lost, failed| told.lock().unwrap().push((lost, failed))).await;
        assert_eq!(outcomes, [Outcome::Failed(0), Outcome::Failed(1), Outcome::Skipped(0)]);
        assert_eq!(*told.lock().unwrap(), [(2, 0)]);
    }
}
