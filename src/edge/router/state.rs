//! What the router keeps: the routes that were set, in one file that survives a kill.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::RouterError;
use crate::edge::diagnostics;
use crate::edge::fence::AcceptedCommands;
use crate::edge::files::FileError;
use crate::edge::files::{self, beside};
use crate::model::{MAX_GENERATION, ModelId, is_credible};
use crate::router::{Route, hash};

/// The form of the file.
const SCHEMA: u32 = 1;
/// How long a router that is about to end is waited for.
const LOCK_WAIT: Duration = Duration::from_secs(10);

/// The route of one model, as it was set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredRoute {
    /// Grows with each change.
    pub(super) revision: u64,
    /// What is in force.
    pub(super) route: Route,
    /// What workers did.
    #[serde(default)]
    pub(super) fence: AcceptedCommands,
}

impl StoredRoute {
    /// Names this very route; a file that was lost does not bring the same name again.
    pub(super) fn tag(&self) -> String {
        let text = serde_json::to_string(self).unwrap_or_default();
        format!("\"{}-{:016x}\"", self.revision, hash(text.as_bytes()))
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Routes {
    schema: u32,
    routes: BTreeMap<ModelId, StoredRoute>,
}

/// The file, and the lock that keeps other routers off.
#[derive(Debug)]
pub(super) struct State {
    path: PathBuf,
    routes: Routes,
    _lock: File,
}

impl State {
    /// Opens the routes saved in `folder`, and creates it if it does not exist.
    pub(super) fn open(folder: &Path) -> Result<Self, RouterError> {
        files::make_folder(folder)?;
        let path = folder.join("routes.json");
        let lock = files::lock(&beside(&path, ".lock"), LOCK_WAIT)?;
        let broken = |why: String| RouterError::State { path: path.display().to_string(), why };
        let mut routes = match files::read(&path)? {
            None => Routes { schema: SCHEMA, routes: BTreeMap::new() },
            Some(text) => {
                serde_json::from_str::<Routes>(&text).map_err(|why| broken(why.to_string()))?
            }
        };
        if routes.schema != SCHEMA {
            return Err(broken(format!("its schema is {}, not {SCHEMA}", routes.schema)));
        }
        // Builds before the bound took any fence, and one that is too high refuses every rollback.
        for (model, kept) in &mut routes.routes {
            if !is_credible(kept.fence.generation, MAX_GENERATION) {
                diagnostics::router_fence_dropped(model, kept.fence.generation);
                kept.fence = AcceptedCommands::default();
            }
        }
        Ok(Self { path, routes, _lock: lock })
    }

    /// Its file, for people.
    pub(super) fn place(&self) -> String {
        self.path.display().to_string()
    }

    /// What is kept of a model.
    pub(super) fn of(&self, model: &ModelId) -> Option<&StoredRoute> {
        self.routes.routes.get(model)
    }

    /// Saves a route. It is on disk when this returns; after an error the old one still holds.
    pub(super) fn keep(&mut self, model: &ModelId, kept: StoredRoute) -> Result<(), FileError> {
        let mut routes = self.routes.clone();
        routes.routes.insert(model.clone(), kept);
        let new = files::prepare(&self.path, &text(&routes))?;
        files::put(&new, &self.path)?;
        if let Err(why) = files::sync_folder(&self.path) {
            // The new file may or may not outlive a loss of power: the old one shall.
            let old = files::prepare(&self.path, &text(&self.routes));
            old.and_then(|old| files::put(&old, &self.path))?;
            return Err(why);
        }
        self.routes = routes;
        Ok(())
    }
}

fn text(routes: &Routes) -> String {
    // Names and numbers: nothing there that JSON cannot hold.
    let mut text = serde_json::to_string_pretty(routes).unwrap_or_default();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::model::VersionId;
    use crate::router::Weight;

    fn kept(version: &str, revision: u64) -> StoredRoute {
        let mut route = Route::default();
        route.weights_percent.insert(VersionId::new(version).unwrap(), Weight::ALL);
        StoredRoute { revision, route, fence: AcceptedCommands::default() }
    }

    #[test]
    fn what_is_kept_outlives_the_router_and_what_failed_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let model = ModelId::new("m").unwrap();
        let mut state = State::open(folder.path()).unwrap();
        assert_eq!(state.of(&model), None);
        // In the way of every write.
        let blocked = folder.path().join("routes.json.new");
        fs::create_dir(&blocked).unwrap();
        let why = state.keep(&model, kept("v1", 1)).unwrap_err();
        assert!(why.to_string().starts_with("cannot create"), "{why}");
        assert_eq!(state.of(&model), None);
        fs::remove_dir(&blocked).unwrap();
        state.keep(&model, kept("v1", 1)).unwrap();
        fs::create_dir(&blocked).unwrap();
        state.keep(&model, kept("v2", 2)).unwrap_err();
        assert_eq!(state.of(&model), Some(&kept("v1", 1)));
        drop(state);
        fs::remove_dir(&blocked).unwrap();
        assert_eq!(State::open(folder.path()).unwrap().of(&model), Some(&kept("v1", 1)));
        assert_ne!(kept("v1", 1).tag(), kept("v2", 1).tag());
    }

    #[test]
    fn a_stored_fence_that_is_too_high_is_dropped_and_the_route_stays() {
        let folder = tempfile::tempdir().unwrap();
        let model = ModelId::new("m").unwrap();
        let mut state = State::open(folder.path()).unwrap();
        for (generation, read) in [(MAX_GENERATION, MAX_GENERATION), (u64::MAX, 0)] {
            let fence = AcceptedCommands { generation, ..AcceptedCommands::default() };
            state.keep(&model, StoredRoute { fence, ..kept("v1", 1) }).unwrap();
            drop(state);
            state = State::open(folder.path()).unwrap();
            let kept_now = state.of(&model).unwrap();
            assert_eq!(kept_now.fence.generation, read);
            assert_eq!(kept_now.route, kept("v1", 1).route);
        }
    }

    #[test]
    fn what_is_no_state_is_not_taken_for_one() {
        let folder = tempfile::tempdir().unwrap();
        for (text, expected) in [
            ("", "EOF"),
            ("{}", "missing field"),
            (r#"{"schema":2,"routes":{}}"#, "its schema is 2, not 1"),
        ] {
            fs::write(folder.path().join("routes.json"), text).unwrap();
            let why = State::open(folder.path()).unwrap_err().to_string();
            assert!(why.contains(expected) && why.contains("routes.json"), "{why}");
        }
    }
}
