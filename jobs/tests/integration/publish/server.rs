//! One PostgreSQL server for the whole test binary, and a database of its own for each test.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use fleet_testing::Postgres;
use sqlx::postgres::PgPool;

pub use fleet_testing::free_port;

/// An empty database of the caller's own: its URL, and a pool of connections to it.
pub async fn new_database() -> (String, PgPool) {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    static SERVER: OnceLock<Postgres> = OnceLock::new();
    let name = format!("figures_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let create = move || SERVER.get_or_init(|| Postgres::start().unwrap()).create_database(&name).unwrap();
    let url = tokio::task::spawn_blocking(create).await.unwrap();
    // The server trusts everybody on loopback; the password is there to be kept out of messages.
    let url = url.replace("postgres@", "postgres:secret@");
    let pool = PgPool::connect(&url).await.unwrap();
    (url, pool)
}
