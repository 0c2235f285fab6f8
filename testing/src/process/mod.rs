//! A child process whose output is kept line by line, and which never outlives the test.

mod leash;
mod output;

use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use self::leash::Leash;
use self::output::{Output, Search};
use crate::Error;

const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// A running program in a process group of its own; the group is killed when this is dropped.
pub struct Process {
    program: String,
    pid: Pid,
    child: Mutex<Child>,
    output: Output,
    _leash: Leash,
}

impl Process {
    /// Starts `command` with no input; what it prints on either stream is kept, in order of arrival.
    pub fn spawn(command: &mut Command) -> Result<Self, Error> {
        use std::os::unix::process::CommandExt;

        let program = command.get_program().to_string_lossy().into_owned();
        let mut child = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(Error::io(format!("start {program}")))?;
        let pid = Pid::from_child(&child);
        let output = Output::default();
        if let Some(stdout) = child.stdout.take() {
            output.read(stdout);
        }
        if let Some(stderr) = child.stderr.take() {
            output.read(stderr);
        }
        let leash = Leash::new(pid).inspect_err(|_| {
            let _ = kill_process_group(pid, Signal::KILL);
            let _ = child.wait();
        });
        Ok(Self { program, pid, child: Mutex::new(child), output, _leash: leash.map_err(Error::io("start sh"))? })
    }

    pub fn pid(&self) -> u32 {
        self.pid.as_raw_pid().unsigned_abs()
    }

    /// The last lines printed so far (up to 20 000), oldest first.
    pub fn lines(&self) -> Vec<String> {
        self.output.lines()
    }

    /// Returns the first line, already printed or still to come, that contains `text`.
    pub fn wait_for_line(&self, text: &str, timeout: Duration) -> Result<String, Error> {
        self.wait_for_line_where(&format!("a line with '{text}'"), |line| line.contains(text), timeout)
    }

    /// Returns the first line, already printed or still to come, that `predicate` accepts; `expected`
    /// says in the error what was waited for.
    ///
    /// # Errors
    /// `Ended` once the program has closed its output without such a line, `TimedOut` otherwise.
    pub fn wait_for_line_where(
        &self,
        expected: &str,
        predicate: impl Fn(&str) -> bool,
        timeout: Duration,
    ) -> Result<String, Error> {
        match self.output.search(predicate, Instant::now() + timeout) {
            Search::Found(line) => Ok(line),
            Search::Closed => Err(self.ended(expected)),
            Search::TimedOut => Err(self.timed_out(expected, timeout)),
        }
    }

    pub fn is_running(&self) -> bool {
        matches!(self.child().try_wait(), Ok(None))
    }

    /// Waits for the program to end by itself or after a signal.
    pub fn wait(&self, timeout: Duration) -> Result<ExitStatus, Error> {
        let deadline = Instant::now() + timeout;
        loop {
            let status = self.child().try_wait();
            if let Some(status) = status.map_err(Error::io(format!("wait for {}", self.program)))? {
                return Ok(status);
            }
            if Instant::now() >= deadline {
                return Err(self.timed_out("its end", timeout));
            }
            thread::sleep(POLL_INTERVAL);
        }
    }

    /// Sends SIGTERM, which asks the program to end in order; `wait` waits for that. A program that
    /// has ended is left alone.
    pub fn terminate(&self) -> Result<(), Error> {
        self.signal(Signal::TERM)
    }

    /// Stops the program where it is, with all that it holds, until `thaw`: SIGSTOP.
    pub fn freeze(&self) -> Result<(), Error> {
        self.signal(Signal::STOP)
    }

    /// Lets a frozen program go on as if no time had passed: SIGCONT.
    pub fn thaw(&self) -> Result<(), Error> {
        self.signal(Signal::CONT)
    }

    /// Kills the process group with SIGKILL and waits until the program is gone.
    pub fn kill9(&self) {
        let mut child = self.child();
        // Once waited for, its id may belong to another process.
        if matches!(child.try_wait(), Ok(None)) {
            let _ = kill_process_group(self.pid, Signal::KILL);
            let _ = child.wait();
        }
    }

    pub(crate) fn signal(&self, signal: Signal) -> Result<(), Error> {
        let mut child = self.child();
        if !matches!(child.try_wait(), Ok(None)) {
            return Ok(());
        }
        kill_process(self.pid, signal)
            .map_err(|errno| Error::io(format!("send {signal:?} to {}", self.program))(errno.into()))
    }

    pub(crate) fn ended(&self, expected: &str) -> Error {
        Error::Ended { program: self.program.clone(), expected: expected.to_owned(), output: self.output.tail() }
    }

    pub(crate) fn timed_out(&self, expected: &str, timeout: Duration) -> Error {
        Error::TimedOut {
            program: self.program.clone(),
            expected: expected.to_owned(),
            timeout,
            output: self.output.tail(),
        }
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill9();
    }
}
