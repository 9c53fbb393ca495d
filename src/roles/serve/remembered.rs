//! Answers that are remembered for a moment, so that many who ask cost as much as one.
//!
//! Law: an answer has one maker at a time, and it stays the maker until it is done, even if nobody
//! waits for it any more.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{App, locked};
use crate::edge::clock::Uptime;
use crate::edge::http::Problem;
use crate::model::Span;

/// So long an answer is the answer.
const FRESH: Span = Span::from_s(1);
/// So long it may still be given while the next one is made: not longer, or a log that hangs would
/// look well.
const STALE: Span = Span::from_s(5);

/// The longest that a machine that watches is kept waiting.
const SOON: Duration = Duration::from_secs(2);

/// One answer, and when it was made.
type LastAnswer<T> = Option<(Uptime, Result<T, Problem>)>;

/// An answer that is remembered.
pub(super) struct RememberedAnswer<T> {
    last: Mutex<LastAnswer<T>>,
    making: Arc<tokio::sync::Mutex<()>>,
}

impl<T> Default for RememberedAnswer<T> {
    fn default() -> Self {
        Self { last: Mutex::new(None), making: Arc::default() }
    }
}

impl<T: Clone + Send + 'static> RememberedAnswer<T> {
    /// The remembered answer, or a new one. `None`: it is not there yet, because the log does not
    /// answer.
    pub(super) async fn soon(
        app: Arc<App>,
        of: fn(&App) -> &Self,
        make: fn(&App) -> Result<T, Problem>,
    ) -> Option<Result<T, Problem>> {
        tokio::time::timeout(SOON, Self::get(app, of, make)).await.ok()
    }

    async fn get(
        app: Arc<App>,
        of: fn(&App) -> &Self,
        make: fn(&App) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        if let Some(fresh) = of(&app).within(FRESH, &app) {
            return fresh;
        }
        let making = Arc::clone(&of(&app).making);
        let turn = match Arc::clone(&making).try_lock_owned() {
            Ok(turn) => turn,
            Err(_) => match of(&app).within(STALE, &app) {
                Some(stale) => return stale,
                None => making.lock_owned().await,
            },
        };
        // Somebody may have made it just before.
        if let Some(fresh) = of(&app).within(FRESH, &app) {
            return fresh;
        }
        let work = move |app: &App| {
            let _turn = turn;
            let made = make(app);
            *locked(&of(app).last) = Some((app.topics.log.uptime(), made.clone()));
            made
        };
        app.blocking(work).await
    }

    /// What was made so lately.
    fn within(&self, most: Span, app: &App) -> Option<Result<T, Problem>> {
        let last = locked(&self.last);
        let (at, made) = last.as_ref()?;
        (app.topics.log.uptime() - *at < most).then(|| made.clone())
    }
}
