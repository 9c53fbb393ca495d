//! The registry of a simulated world: all workers act on it, and every act that changes it is
//! written down.

use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ripcord::model::{Command, Fact, ModelId, StepResult, TargetId};
use ripcord::targets::registry::ShadowRegistry;
use ripcord::targets::{Acted, Fence, Later, Target};

use crate::fault::Fault;
use crate::process::Site;

/// The version that serves first, and may go bad.
pub(crate) const SERVING: &str = "v3";
/// The version that it is rolled back to.
pub(crate) const PROVEN: &str = "v2";

/// One registry for all workers.
#[derive(Clone)]
pub(crate) struct SharedRegistry {
    site: Site,
    registry: Arc<Mutex<ShadowRegistry>>,
    applied: Arc<Mutex<Vec<Command>>>,
    /// A defect: it carries out every command twice.
    twice: bool,
}

impl SharedRegistry {
    pub(crate) fn new(site: &Site, models: &[ModelId], twice: bool) -> Self {
        let versions = models.iter().map(|model| {
            format!(
                r#"{{"name":"{model}","version":"{SERVING}","is_production":true,
                     "created_at":"2025-02-01T00:00:00Z"}},
                   {{"name":"{model}","version":"{PROVEN}","is_production":false,
                     "proven_good":true,"created_at":"2025-01-01T00:00:00Z",
                     "baseline":{{"error_rate":{{"value":0.01,"n":50000}}}}}}"#
            )
        });
        let text = format!("[{}]", versions.collect::<Vec<_>>().join(","));
        let registry = ShadowRegistry::read(target(), &text).unwrap();
        let (registry, applied) = (Arc::new(Mutex::new(registry)), Arc::default());
        Self { site: site.clone(), registry, applied, twice }
    }

    fn registry(&self) -> MutexGuard<'_, ShadowRegistry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The version that serves.
    pub(crate) fn production(&self, model: &ModelId) -> String {
        self.registry().production(model).map(ToString::to_string).unwrap_or_default()
    }

    /// The commands that were carried out, in order.
    pub(crate) fn applied(&self) -> Vec<Command> {
        self.applied.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn apply(&self, command: &Command) -> Acted {
        if self.site.faults().strikes(Fault::TargetUnknownUndone) {
            return unknown();
        }
        let acted = self.registry().apply(command);
        if acted.outcome == StepResult::Done {
            let mut applied = self.applied.lock().unwrap_or_else(PoisonError::into_inner);
            applied.extend(std::iter::repeat_n(command.clone(), 1 + usize::from(self.twice)));
        }
        if self.site.faults().strikes(Fault::TargetUnknownDone) { unknown() } else { acted }
    }
}

/// Its name in the rules.
pub(crate) fn target() -> TargetId {
    TargetId::new("registry").unwrap()
}

fn unknown() -> Acted {
    let detail = "no answer came in time".to_owned();
    Acted { outcome: StepResult::Unknown, proof: None, detail }
}

impl Target for SharedRegistry {
    fn observe(&mut self) -> Later<'_, Result<Vec<Fact>, String>> {
        let facts = self.registry().facts();
        Box::pin(ready(facts.map_err(|error| error.to_string())))
    }

    fn fence<'a>(&'a mut self, command: &'a Command) -> Later<'a, Result<Fence, String>> {
        let fence = at_once(self.registry().fence(command));
        Box::pin(ready(fence))
    }

    fn act<'a>(&'a mut self, command: &'a Command) -> Later<'a, Acted> {
        let acted = self.apply(command);
        Box::pin(ready(acted))
    }
}

/// The value of a promise that waits for nothing.
fn at_once<T>(later: Later<'_, T>) -> T {
    use std::task::{Context, Poll, Waker};
    match std::pin::pin!(later).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a registry in memory never waits"),
    }
}
