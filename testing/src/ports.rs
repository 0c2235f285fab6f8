//! Hands out loopback ports: never the same one twice in a process.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Below Linux's default range for outgoing connections (32768 to 60999, ip-sysctl), so that no
/// connection takes the port of a server that is being restarted.
const FIRST: u32 = 14_000;
const COUNT: u32 = 18_000;

/// A TCP port on 127.0.0.1 that nothing listens on.
///
/// The first is drawn at random, since several test processes may run at once; the rest follow it.
pub fn free_port() -> io::Result<u16> {
    static NEXT: OnceLock<AtomicU32> = OnceLock::new();
    let next = NEXT.get_or_init(|| AtomicU32::new(random_below(COUNT)));
    for _ in 0..COUNT {
        let offset = next.fetch_add(1, Ordering::Relaxed) % COUNT;
        let port = u16::try_from(FIRST + offset).map_err(io::Error::other)?;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    Err(io::Error::new(io::ErrorKind::AddrInUse, "no loopback port is free"))
}

/// The standard library's hash keys are seeded by the operating system.
fn random_below(bound: u32) -> u32 {
    let hash = RandomState::new().hash_one(0_u8);
    u32::try_from(hash % u64::from(bound)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_free_and_differ() {
        let mut ports: Vec<u16> = (0..100).map(|_| free_port().unwrap()).collect();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 100);
    }

    #[test]
    fn a_port_in_use_is_not_handed_out() {
        let first = free_port().unwrap();
        let listeners: Vec<TcpListener> =
            (first + 1..first + 20).filter_map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()).collect();
        let held: Vec<u16> = listeners.iter().map(|listener| listener.local_addr().unwrap().port()).collect();
        let port = free_port().unwrap();
        assert!(!held.contains(&port), "{port} is in use");
    }
}
