//! MinIO's cluster health check, the one that waits for buckets and accounts to be loaded.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(5);

pub(super) fn is_ready(port: u16) -> bool {
    status_line(port).is_ok_and(|line| line.split(' ').nth(1) == Some("200"))
}

fn status_line(port: u16) -> io::Result<String> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    write!(stream, "GET /minio/health/cluster HTTP/1.0\r\nHost: {address}\r\n\r\n")?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    Ok(line)
}
