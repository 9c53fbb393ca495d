//! Callers who ask all the while, so that there is never a moment without a request under way:
//! what a switch does to others is seen on them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::{Client, RequestBuilder};
use serde::Serialize;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use super::callers::insist;
use crate::model::Span;

/// So many ask at once.
const CALLERS: usize = 4;
/// The pause between two requests of one of them, while nothing is switched.
const PAUSE: Duration = Duration::from_millis(2);

/// Requests while the rollback was under way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Meanwhile {
    /// Answered or not.
    pub sent: u64,
    /// Without a good answer.
    pub failed: u64,
}

/// The callers; they stop with it.
#[derive(Default)]
pub(super) struct Pulse {
    counts: Arc<Counts>,
    /// Whether a step waits for its answer.
    open: watch::Sender<bool>,
}

#[derive(Default)]
struct Counts {
    repeated: AtomicU64,
    sent: AtomicU64,
    failed: AtomicU64,
    sent_open: AtomicU64,
    failed_open: AtomicU64,
}

impl Pulse {
    /// They ask for `url`.
    pub(super) fn start(runtime: &Runtime, http: &Client, url: &str, patience: Span) -> Self {
        let (open, opened) = watch::channel(false);
        let counts = Arc::<Counts>::default();
        for _ in 0..CALLERS {
            let (counts, request) = (Arc::clone(&counts), http.get(url));
            runtime.spawn(ask(counts, request, patience, opened.clone()));
        }
        Self { counts, open }
    }

    /// Whether a step waits for its answer, from now on.
    pub(super) fn open(&self, open: bool) {
        self.open.send_if_modified(|is| std::mem::replace(is, open) != open);
    }

    /// All of their requests, and those that had no good answer.
    pub(super) fn all(&self) -> Meanwhile {
        let [sent, failed] = [&self.counts.sent, &self.counts.failed];
        Meanwhile { sent: sent.load(Ordering::SeqCst), failed: failed.load(Ordering::SeqCst) }
    }

    /// Tries that were repeated, since nobody answered.
    pub(super) fn repeated(&self) -> u64 {
        self.counts.repeated.load(Ordering::SeqCst)
    }

    /// Those that began or ended while a step was open.
    pub(super) fn meanwhile(&self) -> Meanwhile {
        let [sent, failed] = [&self.counts.sent_open, &self.counts.failed_open];
        Meanwhile { sent: sent.load(Ordering::SeqCst), failed: failed.load(Ordering::SeqCst) }
    }
}

async fn ask(
    counts: Arc<Counts>,
    request: RequestBuilder,
    patience: Span,
    mut open: watch::Receiver<bool>,
) {
    loop {
        let before = *open.borrow_and_update();
        let Some(again) = request.try_clone() else { return };
        let answer = insist(again, patience).await;
        let repeated = answer.as_ref().map_or(0, |(_, repeated)| *repeated);
        let good = answer.is_ok_and(|(answer, _)| answer.status().is_success());
        let is_open = before || *open.borrow();
        counts.count(is_open, good, repeated);
        if is_open {
            continue;
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            changed = open.changed() => if changed.is_err() { return },
        }
    }
}

impl Counts {
    fn count(&self, open: bool, good: bool, repeated: u64) {
        self.repeated.fetch_add(repeated, Ordering::SeqCst);
        self.sent.fetch_add(1, Ordering::SeqCst);
        self.failed.fetch_add(u64::from(!good), Ordering::SeqCst);
        if open {
            self.sent_open.fetch_add(1, Ordering::SeqCst);
            self.failed_open.fetch_add(u64::from(!good), Ordering::SeqCst);
        }
    }
}
