//! The registry in a file.

use std::path::PathBuf;

use super::artifact::{Artifacts, Stamp};
use super::change::Applied;
use super::document::Document;
use super::error::DocumentError;
use super::store::{Store, WriteResult};
use crate::config::RegistryShape;
use crate::edge::chain::chain;
use crate::edge::files::FileError;
use crate::model::{
    Baselines, Command, Fact, ModelId, Proof, Signal, StepResult, TargetId, VersionId, Want,
};
use crate::targets::{Acted, Fence, Later, Target};

/// How often a write is tried when a program that does not take the lock interferes.
const TRIES: u32 = 2;

/// Why a registry file could not be used.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// A file operation failed.
    #[error(transparent)]
    File(#[from] FileError),
    /// The content is not a registry.
    #[error("{}", path.display())]
    Document {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: DocumentError,
    },
    /// A program that does not take the lock writes, too.
    #[error(
        "{} was changed during the write by a program that does not lock {}.lock; \
         stop that program and try again",
        .0.display(), .0.display()
    )]
    Overtaken(PathBuf),
    /// A baseline that a registry cannot hold.
    #[error("a registry cannot hold a baseline for {0:?}; leave it out")]
    NoSuchBaseline(Signal),
}

impl RegistryError {
    /// Whether the file is in a shape that the config must describe first.
    #[must_use]
    pub fn needs_shape(&self) -> bool {
        matches!(self, Self::Document { source: DocumentError::OtherForm(_), .. })
    }
}

/// The registry in a file.
#[derive(Debug, Clone)]
pub struct RegistryFile {
    target: TargetId,
    path: PathBuf,
    shape: RegistryShape,
    check_artifacts: bool,
    artifacts: Option<Artifacts>,
    seen: Option<(Option<Stamp>, u64)>,
}

impl RegistryFile {
    /// The registry at `path`. It is read when it is needed.
    #[must_use]
    pub fn new(target: TargetId, path: PathBuf) -> Self {
        let shape = RegistryShape::default();
        Self { target, path, shape, check_artifacts: false, artifacts: None, seen: None }
    }

    /// Reads the file in this shape.
    #[must_use]
    pub fn in_shape(self, shape: RegistryShape) -> Self {
        Self { shape, ..self }
    }

    /// Whether the file can be read, and what it says about production.
    ///
    /// # Errors
    /// If it cannot, or if it contradicts itself.
    pub fn check(&self) -> Result<(), RegistryError> {
        let document = self.load()?;
        let facts = document.facts(&self.target, &mut |_| None);
        facts.map(drop).map_err(|source| self.wrong(source))
    }

    /// Looks for artifacts relative to the registry's folder, and hashes them.
    #[must_use]
    pub fn check_artifacts(self) -> Self {
        Self { check_artifacts: true, ..self }
    }

    /// The revision that was last observed.
    #[must_use]
    pub fn revision(&self) -> Option<u64> {
        self.seen.map(|(_, revision)| revision)
    }

    /// Writes baselines of versions, all at once and under the lock. Returns the new revision.
    ///
    /// # Errors
    /// If a version is missing, or a file cannot be read or written.
    pub fn write_baselines(
        &self,
        baselines: &[(ModelId, VersionId, Baselines)],
    ) -> Result<u64, RegistryError> {
        if baselines.iter().any(|(.., known)| known.contains_key(&Signal::FeatureDrift)) {
            return Err(RegistryError::NoSuchBaseline(Signal::FeatureDrift));
        }
        let place = self.path.display().to_string();
        let store = Store::open(&self.path)?;
        let _lock = store.lock()?;
        for _ in 0..TRIES {
            let old = store.read()?;
            let mut document = self.parse(&old.main, old.side.as_deref())?;
            let revision = document.revision();
            for (model, version, known) in baselines {
                document
                    .set_baselines(&place, model, version, known)
                    .map_err(|source| self.wrong(source))?;
            }
            document.raise_revision();
            match store.write(&old, &document.render(), revision) {
                WriteResult::Done => return Ok(document.revision()),
                WriteResult::Failed(error) | WriteResult::Half(error) => return Err(error.into()),
                WriteResult::Overtaken => {}
            }
        }
        Err(RegistryError::Overtaken(self.path.clone()))
    }

    fn wrong(&self, source: DocumentError) -> RegistryError {
        RegistryError::Document { path: self.path.clone(), source }
    }

    fn parse(&self, text: &str, side: Option<&str>) -> Result<Document, RegistryError> {
        Document::parse(text, side, &self.shape).map_err(|source| self.wrong(source))
    }

    fn load(&self) -> Result<Document, RegistryError> {
        let texts = Store::open(&self.path)?.read()?;
        self.parse(&texts.main, texts.side.as_deref())
    }

    fn facts(&mut self) -> Result<Vec<Fact>, RegistryError> {
        let stamp = Store::open(&self.path).ok().and_then(|store| store.stamp());
        self.seen = Some((stamp, 0));
        let document = self.load()?;
        self.seen = Some((stamp, document.revision()));
        let mut artifacts = self.take_artifacts()?;
        let facts = document.facts(&self.target, &mut |entry| {
            artifacts.as_mut().and_then(|artifacts| artifacts.present(entry))
        });
        self.artifacts = artifacts;
        facts.map_err(|source| self.wrong(source))
    }

    fn take_artifacts(&mut self) -> Result<Option<Artifacts>, FileError> {
        if self.check_artifacts && self.artifacts.is_none() {
            let folder = Store::open(&self.path)?.folder().to_owned();
            self.artifacts = Some(Artifacts::in_folder(folder));
        }
        Ok(self.artifacts.take())
    }

    fn switch(&mut self, command: &Command) -> Result<Acted, RegistryError> {
        let store = Store::open(&self.path)?;
        let _lock = store.lock()?;
        for _ in 0..TRIES {
            let old = store.read()?;
            let mut document = self.parse(&old.main, old.side.as_deref())?;
            let revision = document.revision();
            let applied = self.apply(&mut document, command)?;
            if !applied.changed {
                return Ok(acted(applied));
            }
            match store.write(&old, &document.render(), revision) {
                WriteResult::Done => return Ok(self.read_back(command, applied)),
                WriteResult::Failed(error) => return Err(error.into()),
                WriteResult::Half(error) => {
                    let detail = format!("{}; then: {}", applied.detail, chain(&error));
                    return Ok(Acted::unknown(detail));
                }
                WriteResult::Overtaken => {}
            }
        }
        Err(RegistryError::Overtaken(self.path.clone()))
    }

    fn apply(&mut self, to: &mut Document, command: &Command) -> Result<Applied, RegistryError> {
        let mut artifacts = self.take_artifacts()?;
        let place = self.path.display().to_string();
        let applied = to.apply(&place, command, &mut |entry| {
            artifacts.as_mut().map_or(Ok(()), |artifacts| artifacts.check(entry).map(drop))
        });
        self.artifacts = artifacts;
        Ok(applied)
    }

    /// A write counts only after it has been read back.
    fn read_back(&self, command: &Command, applied: Applied) -> Acted {
        let Want::Production { version, .. } = &command.want else { return acted(applied) };
        let place = self.path.display();
        match self.load() {
            Err(error) => Acted::unknown(format!("{}; then: {}", applied.detail, chain(&error))),
            Ok(document) => match document.production(&command.model) {
                Ok(Some(entry)) if entry.version == *version => acted(applied),
                Ok(_) | Err(_) => Acted::unknown(format!(
                    "{} was set to {version} in {place}, but the file no longer says so: \
                     another program writes it",
                    command.model
                )),
            },
        }
    }
}

fn acted(applied: Applied) -> Acted {
    let proof = (applied.outcome == StepResult::Done).then_some(Proof::L1);
    Acted { outcome: applied.outcome, proof, detail: applied.detail }
}

/// Runs file work on a thread that may block.
async fn apart<T: Send + 'static>(
    registry: &mut RegistryFile,
    work: impl FnOnce(&mut RegistryFile) -> T + Send + 'static,
) -> Result<T, String> {
    let mut own = registry.clone();
    let done = tokio::task::spawn_blocking(move || {
        let result = work(&mut own);
        (own, result)
    });
    let (own, result) =
        done.await.map_err(|error| format!("the registry worker failed: {error}"))?;
    *registry = own;
    Ok(result)
}

impl Target for RegistryFile {
    fn observe(&mut self) -> Later<'_, Result<Vec<Fact>, String>> {
        Box::pin(
            async move { apart(self, |own| own.facts().map_err(|error| chain(&error))).await? },
        )
    }

    /// Reads the metadata of the file only.
    fn changed(&mut self) -> bool {
        let now = Store::open(&self.path).ok().and_then(|store| store.stamp());
        !matches!(&self.seen, Some((then, _)) if *then == now)
    }

    fn fence<'a>(&'a mut self, command: &'a Command) -> Later<'a, Result<Fence, String>> {
        let model = command.model.clone();
        Box::pin(async move {
            let load = move |own: &mut RegistryFile| match own.load() {
                Ok(document) => Ok(document.taken(&model).fence()),
                Err(error) => Err(chain(&error)),
            };
            apart(self, load).await?
        })
    }

    fn act<'a>(&'a mut self, command: &'a Command) -> Later<'a, Acted> {
        let command = command.clone();
        Box::pin(async move {
            let work = move |own: &mut RegistryFile| {
                own.switch(&command).unwrap_or_else(|error| {
                    Acted::failed(format!("{}; nothing was done", chain(&error)))
                })
            };
            // The work continues when this future is dropped; its outcome is unknown then.
            apart(self, work).await.unwrap_or_else(Acted::unknown)
        })
    }
}
