//! The way to the scheduler that leads. Only that one listens on the cluster plane, so the first that accepts is it.
//!
//! Ballista's executor knows one scheduler, and gives itself up when that does not answer for a while. So it is given an
//! address in this process, from which each connection goes on to whoever leads, as soon as somebody does: the heartbeat
//! that is then answered registers the executor there. An executor that is told to stop waits for nobody: there is no
//! scheduler then whom it would have to tell.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use crate::Error;

/// How long one scheduler is tried.
const CONNECT: Duration = Duration::from_secs(2);
/// How often a leader is looked for while there is none.
const LOOK: Duration = Duration::from_millis(500);
/// A scheduler whose machine is gone is given up after so long.
const GONE: Duration = Duration::from_secs(10);
/// A scheduler that answers no heartbeat for so long may hang; if another one accepts, that leads by now.
const SILENCE: Duration = Duration::from_secs(6);

pub(crate) struct Leader {
    schedulers: Vec<(String, u16)>,
    /// Which of them led when it was last looked for.
    last: AtomicUsize,
    /// Whether the executor was told to stop.
    stopping: &'static AtomicBool,
}

impl Leader {
    /// Waits until one of the schedulers leads.
    pub async fn find(
        schedulers: Vec<(String, u16)>,
        patience: Duration,
        stopping: &'static AtomicBool,
    ) -> Result<Self, Error> {
        let (leader, started) = (Self { schedulers, last: AtomicUsize::new(0), stopping }, Instant::now());
        loop {
            let Err(problem) = leader.connect().await else { return Ok(leader) };
            if started.elapsed() > patience {
                let url = leader.schedulers.iter().map(|(host, port)| format!("http://{host}:{port}"));
                let problem = format!("{problem}, for {} s", patience.as_secs());
                return Err(Error::Scheduler { url: url.collect::<Vec<_>>().join(", "), problem });
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// An address whose connections go to the leader, for as long as the process lives.
    pub async fn follow(self) -> Result<(String, u16), Error> {
        let bind = |source| Error::Bind { address: "127.0.0.1:0".to_owned(), source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        let leader = Arc::new(self);
        tokio::spawn(async move {
            loop {
                match listener.accept().await {
                    Ok((inward, _)) => _ = tokio::spawn(Arc::clone(&leader).forward(inward)),
                    Err(error) => {
                        tracing::warn!(%error, "no connection accepted");
                        tokio::time::sleep(CONNECT).await;
                    }
                }
            }
        });
        Ok((address.ip().to_string(), address.port()))
    }

    async fn forward(self: Arc<Self>, mut inward: TcpStream) {
        let mut told = false;
        let mut outward = loop {
            match self.connect().await {
                Ok(stream) => break stream,
                Err(problem) if !told => {
                    tracing::warn!(problem, "no scheduler leads, waiting for one");
                    told = true;
                }
                Err(_) => {}
            }
            if self.stopping.load(Ordering::Relaxed) {
                return;
            }
            tokio::time::sleep(LOOK).await;
        };
        if let Err(error) = inward.set_nodelay(true).and_then(|()| watched(&outward)) {
            tracing::warn!(%error, "a connection is not watched");
        }
        let answered = Mutex::new(Instant::now());
        let (mut from_executor, mut to_executor) = inward.split();
        let (mut from_scheduler, mut to_scheduler) = outward.split();
        let back = async {
            let mut bytes = vec![0; 16 << 10];
            loop {
                let read = from_scheduler.read(&mut bytes).await?;
                *answered.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
                if read == 0 {
                    return Ok::<_, std::io::Error>(());
                }
                to_executor.write_all(&bytes[..read]).await?;
            }
        };
        // However it ends, both sides are closed, which is all there is to do.
        tokio::select! {
            _ = copy(&mut from_executor, &mut to_scheduler) => {}
            _ = back => {}
            () = self.another_leads(&answered) => tracing::warn!("the scheduler is silent, and another one leads"),
        }
    }

    /// Ends when the scheduler has been silent for a while, and another accepts.
    async fn another_leads(&self, answered: &Mutex<Instant>) {
        loop {
            tokio::time::sleep(LOOK).await;
            let silent = answered.lock().unwrap_or_else(PoisonError::into_inner).elapsed() > SILENCE;
            let (present, all) = (self.last.load(Ordering::Relaxed), self.schedulers.len());
            // Connecting to another makes it the one that is looked for first.
            if silent && self.connect_among((present + 1..).take(all - 1)).await.is_ok() {
                return;
            }
        }
    }

    /// A connection to the leader, looked for where it was last.
    async fn connect(&self) -> Result<TcpStream, String> {
        self.connect_among((self.last.load(Ordering::Relaxed)..).take(self.schedulers.len())).await
    }

    /// A connection to the first of these schedulers that accepts.
    async fn connect_among(&self, places: impl Iterator<Item = usize>) -> Result<TcpStream, String> {
        let mut problem = "there is none".to_owned();
        for place in places {
            let place = place % self.schedulers.len();
            let (host, port) = &self.schedulers[place];
            match tokio::time::timeout(CONNECT, TcpStream::connect((host.as_str(), *port))).await {
                Ok(Ok(stream)) => {
                    self.last.store(place, Ordering::Relaxed);
                    return Ok(stream);
                }
                Ok(Err(error)) => problem = error.to_string(),
                Err(_) => problem = format!("no answer within {} s", CONNECT.as_secs()),
            }
        }
        Err(problem)
    }
}

/// Makes a connection fail when its other end is silent for too long, with data under way or without.
fn watched(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    let probe = GONE / 5;
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(probe).with_interval(probe).with_retries(4))?;
    socket.set_tcp_user_timeout(Some(GONE))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn found(schedulers: Vec<(String, u16)>) -> Result<Leader, Error> {
        static STOPPING: AtomicBool = AtomicBool::new(false);
        Leader::find(schedulers, Duration::ZERO, &STOPPING).await
    }

    async fn scheduler(says: &'static [u8]) -> (u16, tokio::task::JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let serving = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                stream.write_all(says).await.unwrap();
            }
        });
        (port, serving)
    }

    async fn told(address: &(String, u16)) -> String {
        let mut text = String::new();
        let mut stream = TcpStream::connect((address.0.as_str(), address.1)).await.unwrap();
        _ = stream.read_to_string(&mut text).await;
        text
    }

    #[tokio::test]
    async fn connections_go_to_whoever_listens() {
        let (one, first) = scheduler(b"one").await;
        let (other, second) = scheduler(b"other").await;
        let schedulers = vec![("127.0.0.1".to_owned(), one), ("127.0.0.1".to_owned(), other)];
        let address = found(schedulers).await.unwrap().follow().await.unwrap();
        assert_eq!(told(&address).await, "one");
        first.abort();
        _ = first.await;
        assert_eq!(told(&address).await, "other");
        second.abort();
        _ = second.await;
        let waiting = tokio::spawn(async move { told(&address).await });
        tokio::time::sleep(LOOK).await;
        let listener = TcpListener::bind(("127.0.0.1", one)).await.unwrap();
        listener.accept().await.unwrap().0.write_all(b"one again").await.unwrap();
        assert_eq!(waiting.await.unwrap(), "one again");
    }

    #[tokio::test]
    async fn a_scheduler_that_hangs_is_left_for_one_that_leads() {
        // It accepts, as the kernel does for a process that is stopped, and says nothing.
        let hung = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (other, _serving) = scheduler(b"other").await;
        let schedulers = [hung.local_addr().unwrap().port(), other].map(|port| ("127.0.0.1".to_owned(), port));
        let address = found(schedulers.into()).await.unwrap().follow().await.unwrap();
        let started = Instant::now();
        assert_eq!(told(&address).await, "");
        assert!(started.elapsed() >= SILENCE);
        assert_eq!(told(&address).await, "other");
    }

    #[tokio::test]
    async fn an_executor_that_stops_waits_for_no_leader() {
        let (port, serving) = scheduler(b"one").await;
        static STOPPING: AtomicBool = AtomicBool::new(false);
        let schedulers = vec![("127.0.0.1".to_owned(), port)];
        let leader = Leader::find(schedulers, Duration::ZERO, &STOPPING).await.unwrap();
        let address = leader.follow().await.unwrap();
        serving.abort();
        _ = serving.await;
        let waiting = tokio::spawn(async move { told(&address).await });
        tokio::time::sleep(LOOK).await;
        assert!(!waiting.is_finished());
        STOPPING.store(true, Ordering::Relaxed);
        assert_eq!(waiting.await.unwrap(), "");
    }

    #[tokio::test]
    async fn without_any_scheduler_the_error_names_them_all() {
        let schedulers = vec![("127.0.0.1".to_owned(), 1), ("127.0.0.1".to_owned(), 2)];
        let error = found(schedulers).await.err().unwrap().to_string();
        assert!(error.contains("127.0.0.1:1") && error.contains("127.0.0.1:2"), "{error}");
    }
}
