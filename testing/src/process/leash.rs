//! Kills a process group when the test process ends without having dropped its guards: interrupted,
//! aborted, or killed for taking too long.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use rustix::process::Pid;

/// A shell that reads from a pipe of which only this process holds the other end: it reads nothing
/// until the pipe is closed, which the operating system does at the latest when this process dies.
pub(super) struct Leash {
    shell: Child,
}

impl Leash {
    pub(super) fn new(group: Pid) -> io::Result<Self> {
        let shell = Command::new("/bin/sh")
            .args(["-c", r#"read -r line; kill -s KILL -- "-$1""#, "leash"])
            .arg(group.as_raw_pid().to_string())
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self { shell })
    }
}

impl Drop for Leash {
    /// By now the group is gone, and its id may be given to another, so the shell must not act.
    fn drop(&mut self) {
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}
