//! The roles as separate processes, restarted when one dies.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::DemoError;
use super::settings::free;
use crate::edge::clock::Stopwatch;
use crate::edge::files::{self, FileError};
use crate::edge::parent::WITH_PARENT;
use crate::model::Span;

/// Each role's command line.
const ROLES: [&[&str]; 7] = [
    &["ingest"],
    &["decide"],
    &["work", "registry"],
    &["work", "router"],
    &["work", "notice"],
    &["route"],
    &["serve"],
];
/// A process that exits sooner than this did not start.
const BEGAN: Span = Span::from_s(5);
/// How often in a row a process may exit at once.
const TRIES: u32 = 5;
/// The longest wait for the processes at the end; then they are killed.
const STOP_WITHIN: Span = Span::from_s(20);
const LOOK: Duration = Duration::from_millis(20);

/// How processes are started.
pub(super) struct Launch {
    program: PathBuf,
    config: PathBuf,
    logs: PathBuf,
}

/// All of them, looked after by a thread, so that waiting for one does not delay its restart.
pub(super) struct Children {
    health: Vec<SocketAddr>,
    news: Receiver<Result<String, DemoError>>,
    stop: Arc<AtomicBool>,
    care: Option<JoinHandle<()>>,
}

struct Roles {
    launch: Launch,
    all: Vec<Role>,
}

struct Role {
    words: &'static [&'static str],
    /// Where it says how it does, if it does not serve anyway.
    health: Option<SocketAddr>,
    child: Child,
    since: Stopwatch,
    /// How often in a row it ended at once.
    failed: u32,
}

impl Launch {
    /// Processes of this program, with the settings of that file; what they log goes to `logs`.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub(super) fn new(config: &Path, logs: PathBuf) -> Result<Self, DemoError> {
        let failed = |why: FileError| DemoError::Folder { path: logs.clone(), source: why.into() };
        files::make_folder(&logs).map_err(failed)?;
        let program = std::env::current_exe().map_err(DemoError::Machine)?;
        Ok(Self { program, config: config.to_path_buf(), logs })
    }

    fn command(&self, words: &[&str]) -> Result<Command, DemoError> {
        let path = self.logs.join(format!("{}.log", words.join("-")));
        let failed = |why: FileError| DemoError::Folder { path: path.clone(), source: why.into() };
        let log = files::own(&path).map_err(failed)?;
        let mut command = Command::new(&self.program);
        command.args(words).arg("--config").arg(&self.config);
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            // What is set for a Ripcord of theirs is not for this one, but for the way to Kafka.
            if name.starts_with("RIPCORD_") && !super::settings::is_for_kafka(&name) {
                command.env_remove(&*name);
            }
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        // Ctrl-C is for the demo, which stops them.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        Ok(command)
    }

    /// Runs one to its end.
    ///
    /// # Errors
    /// It failed.
    pub(super) fn run(&self, words: &[&str]) -> Result<(), DemoError> {
        let status = self.command(words)?.status().map_err(DemoError::Machine)?;
        match status.success() {
            true => Ok(()),
            false => Err(self.gave_up(words)),
        }
    }

    fn gave_up(&self, words: &[&str]) -> DemoError {
        let log = self.logs.join(format!("{}.log", words.join("-")));
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        let last = text.lines().last().unwrap_or_default().to_owned();
        DemoError::Child { role: words.join(" "), last, log }
    }

    fn start(&self, words: &[&str], health: Option<SocketAddr>) -> Result<Child, DemoError> {
        let mut command = self.command(words)?;
        command.env(WITH_PARENT, "");
        // Its name outlives it, so what it held is not shared out before it is there again.
        command.env("RIPCORD__KAFKA__INSTANCE", words.join("-"));
        if let Some(health) = health {
            command.args(["--health", &health.to_string()]);
        }
        command.spawn().map_err(DemoError::Machine)
    }
}

impl Children {
    /// Starts all of them.
    ///
    /// # Errors
    /// One cannot be started.
    pub(super) fn start(launch: Launch) -> Result<Self, DemoError> {
        let mut roles = Roles { launch, all: Vec::new() };
        for words in ROLES {
            let serves = matches!(words.first(), Some(&"route" | &"serve"));
            let health = if serves { None } else { Some(free(0)?) };
            let child = roles.launch.start(words, health)?;
            roles.all.push(Role { words, health, child, since: Stopwatch::start(), failed: 0 });
        }
        let health = roles.all.iter().filter_map(|role| role.health).collect();
        let (sender, news) = channel();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let care = move || {
            while !stopped.load(Ordering::Relaxed) {
                if let Err(error) = roles.tend(&sender) {
                    // Nobody listens any more: the demo ends.
                    let _told = sender.send(Err(error));
                    return;
                }
                std::thread::sleep(LOOK);
            }
        };
        let care = std::thread::Builder::new().name("care".to_owned()).spawn(care);
        Ok(Self { health, news, stop, care: Some(care.map_err(DemoError::Machine)?) })
    }

    /// Where those that do not serve anyway say how they do.
    pub(super) fn health(&self) -> &[SocketAddr] {
        &self.health
    }

    /// What was done about them since it was last asked.
    ///
    /// # Errors
    /// One ends at once, over and over.
    pub(super) fn check_exits(&self, say: &mut dyn FnMut(String)) -> Result<(), DemoError> {
        self.news.try_iter().try_for_each(|news| news.map(&mut *say))
    }
}

impl Roles {
    /// Starts again what has ended, and says so.
    fn tend(&mut self, say: &Sender<Result<String, DemoError>>) -> Result<(), DemoError> {
        for role in &mut self.all {
            let Some(status) = role.child.try_wait().map_err(DemoError::Machine)? else { continue };
            role.failed = if role.since.elapsed() < BEGAN { role.failed + 1 } else { 0 };
            if role.failed >= TRIES {
                return Err(self.launch.gave_up(role.words));
            }
            role.child = self.launch.start(role.words, role.health)?;
            role.since = Stopwatch::start();
            let name = role.words.join(" ");
            let news = format!("`ripcord {name}` exited ({status}) and was restarted.");
            let _told = say.send(Ok(news));
        }
        Ok(())
    }
}

impl Drop for Children {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(care) = self.care.take() {
            // It panics for no reason of its own.
            drop(care.join());
        }
    }
}

impl Drop for Roles {
    /// Asks all to stop, and does not wait for ever.
    fn drop(&mut self) {
        for role in &self.all {
            let pid = i32::try_from(role.child.id()).ok().and_then(Pid::from_raw);
            if let Some(pid) = pid {
                let _ended_already = kill_process(pid, Signal::TERM);
            }
        }
        let watch = Stopwatch::start();
        for role in &mut self.all {
            while matches!(role.child.try_wait(), Ok(None)) && watch.elapsed() < STOP_WITHIN {
                std::thread::sleep(LOOK);
            }
            drop(role.child.kill());
            drop(role.child.wait());
        }
    }
}
