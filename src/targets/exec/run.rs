//! Runs a user's program: no shell, JSON on stdin, a time limit for it and all its children.

use std::io;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tokio::time::timeout;

/// How many of the last bytes of each output are kept.
const KEPT_BYTES: usize = 64 * 1024;
/// How long to keep reading after the program has ended: its children may hold the outputs open.
const LINGER: Duration = Duration::from_millis(200);
/// The longest detail, in characters.
const DETAIL: usize = 500;

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// With this exit code.
    Code(i32),
    /// By a signal.
    Signal,
    /// It was still running at the time limit, and was killed.
    TimedOut,
    /// It did not run.
    NotStarted(String),
    /// Its exit status cannot be read.
    Lost(String),
}

/// What a program did.
#[derive(Debug, Clone)]
pub(super) struct Ran {
    pub(super) end: End,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Ran {
    fn silent(end: End) -> Self {
        Self { end, stdout: String::new(), stderr: String::new() }
    }

    /// How it ended and the last line of its output, for people.
    pub(super) fn detail(&self, program: &[String], limit: Duration) -> String {
        let name = program.first().map_or("", String::as_str);
        let end = match &self.end {
            End::Code(code) => format!("{name} exited with code {code}"),
            End::Signal => format!("{name} was killed by a signal"),
            End::TimedOut => {
                format!("{name} ran longer than {} s and was killed", limit.as_secs_f64())
            }
            End::NotStarted(why) => format!("{name} cannot be started: {why}"),
            End::Lost(why) => format!("{name} ended, but its exit status is unknown: {why}"),
        };
        let said = last_line(&self.stderr).or_else(|| last_line(&self.stdout));
        said.map_or(end.clone(), |said| format!("{end}: {said}"))
    }
}

/// The last line that is not empty, cut to a maximum length.
fn last_line(text: &str) -> Option<String> {
    let line = text.lines().rev().map(str::trim).find(|line| !line.is_empty())?;
    Some(line.chars().filter(|c| !c.is_control()).take(DETAIL).collect())
}

/// Runs `program` in `folder` with `input` on its stdin.
pub(super) async fn run(program: &[String], folder: &Path, input: &[u8], limit: Duration) -> Ran {
    let Some((name, arguments)) = program.split_first() else {
        return Ran::silent(End::NotStarted("no program is named in the config".to_owned()));
    };
    let spawned = Command::new(name)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn();
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) => return Ran::silent(End::NotStarted(error.to_string())),
    };
    let mut group = Group::of(child.id());
    let (stdout, stderr) = (Tail::default(), Tail::default());
    let mut stdin = child.stdin.take();
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let talk = async {
        let write = async {
            if let Some(mut stdin) = stdin.take() {
                // A program need not read its input.
                let _may_close = stdin.write_all(input).await;
            }
        };
        tokio::join!(write, stdout.fill(out), stderr.fill(err));
    };
    tokio::pin!(talk);
    let waited = timeout(limit, async {
        tokio::select! {
            ended = child.wait() => (ended, false),
            () = &mut talk => (child.wait().await, true),
        }
    });
    let end = match waited.await {
        Err(_) => {
            group.kill();
            let _reaped = child.wait().await;
            End::TimedOut
        }
        Ok((ended, drained)) => {
            group.spare();
            if !drained {
                let _rest = timeout(LINGER, &mut talk).await;
            }
            end_of(ended)
        }
    };
    Ran { end, stdout: stdout.text(), stderr: stderr.text() }
}

fn end_of(ended: io::Result<std::process::ExitStatus>) -> End {
    match ended.map(|status| status.code()) {
        Ok(Some(code)) => End::Code(code),
        Ok(None) => End::Signal,
        Err(error) => End::Lost(error.to_string()),
    }
}

/// The end of an output.
#[derive(Debug, Clone, Default)]
struct Tail(Arc<Mutex<Vec<u8>>>);

impl Tail {
    async fn fill(&self, from: Option<impl AsyncRead + Unpin>) {
        let Some(mut from) = from else { return };
        let mut chunk = vec![0; 8 * 1024];
        while let Ok(n) = from.read(&mut chunk).await {
            let Some(read) = chunk.get(..n).filter(|read| !read.is_empty()) else { return };
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            kept.extend_from_slice(read);
            let surplus = kept.len().saturating_sub(KEPT_BYTES);
            kept.drain(..surplus);
        }
    }

    fn text(&self) -> String {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&kept).into_owned()
    }
}

/// A program and its children; they end when this is dropped, unless spared.
#[derive(Debug)]
struct Group(Option<Pid>);

impl Group {
    fn of(id: Option<u32>) -> Self {
        Self(id.and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw))
    }

    fn kill(&mut self) {
        if let Some(group) = self.0.take() {
            // It may have ended by itself just now.
            let _gone = kill_process_group(group, Signal::KILL);
        }
    }

    /// The program ended by itself; its process id may be reused from now on.
    fn spare(&mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}
