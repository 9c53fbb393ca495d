//! A registry in memory, for replay: nothing outside is touched.

use std::future::ready;
use std::path::PathBuf;

use super::artifact::Artifacts;
use super::document::Document;
use super::error::DocumentError;
use crate::config::RegistryShape;
use crate::edge::chain::chain;
use crate::model::{Command, Fact, ModelId, Proof, StepResult, TargetId, VersionId};
use crate::targets::{Acted, Fence, Later, Target};

/// A registry in memory, with the rules of the one in a file.
#[derive(Debug, Clone)]
pub struct ShadowRegistry {
    target: TargetId,
    document: Document,
    artifacts: Option<Artifacts>,
}

impl ShadowRegistry {
    /// An empty one.
    #[must_use]
    pub fn new(target: TargetId) -> Self {
        Self { target, document: Document::empty(), artifacts: None }
    }

    /// One that starts with the content of `text`, in Ripcord's own form: an object or a plain
    /// list.
    ///
    /// # Errors
    /// If it is not a registry.
    pub fn read(target: TargetId, text: &str) -> Result<Self, DocumentError> {
        Self::read_in(target, text, &RegistryShape::default())
    }

    /// One that starts with the content of `text`, which is in this shape.
    ///
    /// # Errors
    /// If it is not.
    pub fn read_in(
        target: TargetId,
        text: &str,
        shape: &RegistryShape,
    ) -> Result<Self, DocumentError> {
        Ok(Self { target, document: Document::parse(text, None, shape)?, artifacts: None })
    }

    /// Looks for artifacts relative to `folder`, and hashes them.
    #[must_use]
    pub fn check_artifacts(self, folder: PathBuf) -> Self {
        Self { artifacts: Some(Artifacts::in_folder(folder)), ..self }
    }

    /// Adds a model with its production version and the one before, which is proven good.
    ///
    /// # Errors
    /// If the registry has one of them already.
    pub fn insert(
        &mut self,
        model: &ModelId,
        production: &VersionId,
        previous: Option<&VersionId>,
    ) -> Result<(), DocumentError> {
        if let Some(previous) = previous {
            self.document.add(model, previous, false, true)?;
        }
        self.document.add(model, production, true, false)
    }

    /// The target's name in the config.
    #[must_use]
    pub fn target(&self) -> &TargetId {
        &self.target
    }

    /// The production version; `None` also if two entries claim it.
    #[must_use]
    pub fn production(&self, model: &ModelId) -> Option<&VersionId> {
        self.document.production(model).ok().flatten().map(|entry| &entry.version)
    }

    /// Its facts now, one per model.
    ///
    /// # Errors
    /// If two versions of one model are in production.
    pub fn facts(&mut self) -> Result<Vec<Fact>, DocumentError> {
        let Self { target, document, artifacts } = self;
        document.facts(target, &mut |entry| artifacts.as_mut().and_then(|a| a.present(entry)))
    }

    /// Carries out a command.
    pub fn apply(&mut self, command: &Command) -> Acted {
        let artifacts = &mut self.artifacts;
        let applied = self.document.apply("the shadow registry", command, &mut |entry| {
            artifacts.as_mut().map_or(Ok(()), |a| a.check(entry).map(drop))
        });
        let proof = (applied.outcome == StepResult::Done).then_some(Proof::L1);
        Acted { outcome: applied.outcome, proof, detail: applied.detail }
    }
}

impl Target for ShadowRegistry {
    fn observe(&mut self) -> Later<'_, Result<Vec<Fact>, String>> {
        Box::pin(ready(self.facts().map_err(|error| chain(&error))))
    }

    fn fence<'a>(&'a mut self, command: &'a Command) -> Later<'a, Result<Fence, String>> {
        Box::pin(ready(Ok(self.document.taken(&command.model).fence())))
    }

    fn act<'a>(&'a mut self, command: &'a Command) -> Later<'a, Acted> {
        Box::pin(ready(self.apply(command)))
    }
}
