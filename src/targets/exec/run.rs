//! Runs a user's program: no shell, JSON on stdin, a time limit for it and all its children, and
//! no secret of Ripcord's in its environment or in what is told of it.
//!
//! What it started ends with it. Only a process that left its group stays, and is named.

use std::io;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tokio::time::timeout;

use super::holders::{Holder, holders, pipe};
use super::redact::redacted;
use crate::config::KeptSecrets;

/// How many of the last bytes of each output are kept.
const KEPT_BYTES: usize = 64 * 1024;
/// How long to keep reading after the program and its group have ended: a process that left the
/// group may hold the outputs open.
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
    /// For its facts only: it may hold secrets.
    pub(super) stdout: String,
    /// The last line that it said, for people.
    said: Option<String>,
    left: Vec<Holder>,
}

impl Ran {
    fn silent(end: End) -> Self {
        Self { end, stdout: String::new(), said: None, left: Vec::new() }
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
        let mut detail = match &self.said {
            Some(said) => format!("{end}: {said}"),
            None => end,
        };
        if !self.left.is_empty() {
            let left: Vec<_> = self.left.iter().map(ToString::to_string).collect();
            detail.push_str(&format!(
                "; {} left its process group, still holds its input or output, and was not waited \
                 for",
                left.join(", ")
            ));
        }
        detail
    }
}

/// The last line that is not empty, without secrets, cut to a maximum length.
fn last_line(text: &str, secrets: &KeptSecrets) -> Option<String> {
    let line = text.lines().rev().map(str::trim).find(|line| !line.is_empty())?;
    let line: String = line.chars().filter(|c| !c.is_control()).collect();
    Some(redacted(&line, &secrets.values).chars().take(DETAIL).collect())
}

/// Runs `program` in `folder` with `input` on its stdin, without the variables of `secrets`.
pub(super) async fn run(
    program: &[String],
    folder: &Path,
    input: &[u8],
    limit: Duration,
    secrets: &KeptSecrets,
) -> Ran {
    let Some((name, arguments)) = program.split_first() else {
        return Ran::silent(End::NotStarted("no program is named in the config".to_owned()));
    };
    let mut command = Command::new(name);
    secrets.variables.iter().for_each(|variable| _ = command.env_remove(variable));
    let spawned = command
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
    let pipes = [pipe(stdin.as_ref()), pipe(out.as_ref()), pipe(err.as_ref())];
    let talk = async {
        let write = async {
            if let Some(mut stdin) = stdin.take() {
                // A program need not read its input.
                let _may_close = stdin.write_all(input).await;
            }
        };
        tokio::join!(write, stdout.fill(out), stderr.fill(err));
    };
    let exited = exited(group.0);
    tokio::pin!(talk, exited);
    let waited = timeout(limit, async {
        tokio::select! {
            () = &mut exited => false,
            () = &mut talk => {
                (&mut exited).await;
                true
            }
        }
    });
    let waited = waited.await;
    // It is not reaped yet, so its group is still its own.
    group.kill();
    if waited.is_err() {
        let _gone = child.start_kill();
    }
    let ended = child.wait().await;
    let silent = waited == Ok(true) || timeout(LINGER, &mut talk).await.is_ok();
    let left = if silent { Vec::new() } else { left(pipes).await };
    let end = if waited.is_err() { End::TimedOut } else { end_of(ended) };
    let (stdout, stderr) = (stdout.text(), stderr.text());
    let said = last_line(&stderr, secrets).or_else(|| last_line(&stdout, secrets));
    Ran { end, stdout, said, left }
}

/// Waits for the end of the program and leaves it to be reaped.
async fn exited(program: Option<Pid>) {
    let Some(id) = program else { return };
    let wait = move || {
        let how = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while let Err(Errno::INTR) = waitid(WaitId::Pid(id), how) {}
    };
    // Only a runtime that shuts down refuses, and then the program ends, too.
    let _refused = tokio::task::spawn_blocking(wait).await;
}

/// The processes that left the group and still hold its pipes.
async fn left(pipes: [Option<u64>; 3]) -> Vec<Holder> {
    let pipes: Vec<u64> = pipes.into_iter().flatten().collect();
    tokio::task::spawn_blocking(move || holders(&pipes)).await.unwrap_or_default()
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

/// A program and its children; they end when this is dropped.
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
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}
