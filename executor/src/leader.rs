//! The way to the scheduler that leads. Only that one listens on the cluster plane, so the first that accepts is it.
//!
//! Ballista's executor knows one scheduler. It is given an address in this process, from which each connection goes on to
//! whoever leads; when that is another, the next heartbeat registers the executor there.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use crate::Error;

/// How long one scheduler is tried.
const CONNECT: Duration = Duration::from_secs(2);

pub(crate) struct Leader {
    schedulers: Vec<(String, u16)>,
    /// Which of them led when it was last looked for.
    last: AtomicUsize,
}

impl Leader {
    /// Waits until one of the schedulers leads.
    pub async fn find(schedulers: Vec<(String, u16)>, patience: Duration) -> Result<Self, Error> {
        let (leader, started) = (Self { schedulers, last: AtomicUsize::new(0) }, Instant::now());
        loop {
            let Err(problem) = leader.connect().await else { return Ok(leader) };
            if started.elapsed() > patience {
                let url = leader.schedulers.iter().map(|(host, port)| format!("http://{host}:{port}"));
                let problem = format!("{problem}, for {} s", patience.as_secs());
                return Err(Error::Scheduler { url: url.collect::<Vec<_>>().join(", "), problem });
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
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
        // Without a leader the connection is closed, and the executor tries again with its next heartbeat.
        let Ok(mut outward) = self.connect().await else { return };
        for stream in [&inward, &outward] {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "a connection stays slow");
            }
        }
        // However it ends, both sides are closed, which is all there is to do.
        _ = copy_bidirectional(&mut inward, &mut outward).await;
    }

    /// A connection to the leader, looked for where it was last.
    async fn connect(&self) -> Result<TcpStream, String> {
        let mut problem = "there is none".to_owned();
        let last = self.last.load(Ordering::Relaxed);
        for place in (last..).take(self.schedulers.len()) {
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

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

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
        let address = Leader::find(schedulers, Duration::ZERO).await.unwrap().follow().await.unwrap();
        assert_eq!(told(&address).await, "one");
        first.abort();
        _ = first.await;
        assert_eq!(told(&address).await, "other");
        second.abort();
        _ = second.await;
        assert_eq!(told(&address).await, "");
    }

    #[tokio::test]
    async fn without_any_scheduler_the_error_names_them_all() {
        let schedulers = vec![("127.0.0.1".to_owned(), 1), ("127.0.0.1".to_owned(), 2)];
        let error = Leader::find(schedulers, Duration::ZERO).await.err().unwrap().to_string();
        assert!(error.contains("127.0.0.1:1") && error.contains("127.0.0.1:2"), "{error}");
    }
}
