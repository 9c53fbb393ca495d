//! Why a process ended.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::{NotReady, RoleSet};
use crate::edge::router::RouterError;
use crate::targets::notice::NoticeError;
use crate::targets::registry::RegistryError;
use crate::targets::router::RouterClientError;
use crate::topics::RoleError;

/// Why a process ended.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The log or its topics cannot be used.
    #[error("cannot set up Ripcord's topics")]
    Topics(#[from] RoleError),
    /// A topic that others create is missing or does not fit.
    #[error("this process cannot start")]
    NotReady(#[from] NotReady),
    /// A process of some roles needs a log that several processes can use.
    #[error(
        "`ripcord {0}` needs a log that several processes share, and log.kind is \"local\"; run \
         `ripcord up` instead, or set log.kind = \"kafka\""
    )]
    Alone(RoleSet),
    /// Nothing to measure.
    #[error("no source is enabled, so there is nothing to measure; enable a [sources.NAME]")]
    NoSource,
    /// A worker that the settings do not configure.
    #[error("this worker is not configured; set {0}")]
    NoWorker(String),
    /// A role cannot continue, and the others cannot work without it.
    #[error("{role} cannot continue")]
    Role {
        /// Which role.
        role: String,
        /// Why.
        #[source]
        source: RoleError,
    },
    /// A role panicked.
    #[error("{0} crashed; this is a bug in Ripcord, please report it with the log lines above")]
    Broke(String),
    /// The webhook of notices.
    #[error("cannot send notices; check [workers.notice]")]
    Notice(#[from] NoticeError),
    /// The worker of the registry.
    #[error("cannot start the registry's worker")]
    Registry(#[source] RegistryError),
    /// The worker of the router.
    #[error("cannot set up the router's worker; check [workers.router]")]
    RouterWorker(#[from] RouterClientError),
    /// The router.
    #[error("cannot set up the router")]
    Router(#[from] RouterError),
    /// No router is configured.
    #[error("there is nothing to route; set listen in [router] and add a [router.models.NAME]")]
    NoRouter,
    /// The folder where a worker remembers what it has done.
    #[error(
        "cannot create the folder {}; set {key} to one that this user may write to",
        folder.display()
    )]
    Fences {
        /// Which folder.
        folder: PathBuf,
        /// The setting that names it.
        key: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The address is taken, or belongs to another machine.
    #[error("cannot listen on {at}; set {key} to another address or port")]
    Listen {
        /// Where.
        at: SocketAddr,
        /// The setting or option that says so.
        key: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The HTTP server failed.
    #[error("the HTTP server failed")]
    Http(#[source] anyhow::Error),
    /// Threads, signals or the runtime.
    #[error("the system refused a thread, a signal handler or a socket")]
    System(#[from] std::io::Error),
}

/// How a role ended.
pub(super) type RoleEnd = Result<(), ProcessError>;
