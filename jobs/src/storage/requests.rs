//! Requests over HTTP to object stores, told to whoever watches them.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService, ReqwestConnector,
};

/// A request that was made; one that is repeated is told each time.
#[derive(Clone, Copy, Debug)]
pub struct Requested<'a> {
    /// `GET`, `PUT`, `HEAD`, …
    pub method: &'a str,
    /// From sending to the beginning of the answer.
    pub took: Duration,
    /// The answer's status; none where no answer came.
    pub status: Option<u16>,
}

pub type Watch = Arc<dyn Fn(Requested<'_>) + Send + Sync>;

/// Connects as usual, and tells of each request.
#[derive(Clone)]
pub(super) struct Watched(pub Watch);

impl HttpConnector for Watched {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let inner = ReqwestConnector::default().connect(options)?;
        Ok(HttpClient::new(WatchedClient { inner, watch: self.clone() }))
    }
}

#[derive(Debug)]
struct WatchedClient {
    inner: HttpClient,
    watch: Watched,
}

#[async_trait]
impl HttpService for WatchedClient {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (method, began) = (request.method().clone(), Instant::now());
        let answer = self.inner.execute(request).await;
        let status = answer.as_ref().ok().map(|answer| answer.status().as_u16());
        (self.watch.0)(Requested { method: method.as_str(), took: began.elapsed(), status });
        answer
    }
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watched")
    }
}
