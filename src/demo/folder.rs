//! The demo's folder: each run clears it, only one run holds it, and it contains nothing else.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::DemoError;
use super::flights::{Flight, REGISTRY};
use crate::edge::diagnostics;
use crate::edge::files::{self, FileError};
use crate::model::Namespace;

/// Its presence marks a folder as the demo's.
const LOCK: &str = "demo.lock";
/// What a run leaves; also all that begins with [`REGISTRY_FILE`].
const LEFT: [&str; 6] = ["log", "models", SETTINGS, "report.html", "ripcord.log", "logs"];
/// Its config.
pub(super) const SETTINGS: &str = "demo.toml";
const REGISTRY_FILE: &str = "registry.json";

/// Before the name of a namespace, in the settings of a run on Kafka.
const NAMESPACE: &str = "namespace = \"";

/// A folder that this run holds.
pub(super) struct Folder {
    path: PathBuf,
    /// The namespace of the run before, if that was on Kafka.
    before: Option<Namespace>,
    _held: File,
}

impl Folder {
    /// Takes the folder, and removes what an earlier run left in it.
    ///
    /// # Errors
    /// Another run has it, it holds other things, or it cannot be written.
    pub(super) fn take(path: &Path) -> Result<Self, DemoError> {
        let failed = |source: io::Error| DemoError::Folder { path: path.to_path_buf(), source };
        files::make_folder(path).map_err(|why| failed(why.into()))?;
        let path = path.canonicalize().map_err(failed)?;
        let strange = fs::read_dir(&path).map_err(failed)?.next().is_some();
        if strange && !path.join(LOCK).exists() {
            return Err(DemoError::Strange(path));
        }
        let held = files::own(&path.join(LOCK)).map_err(|why| failed(why.into()))?;
        match held.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(DemoError::Running(path)),
            Err(TryLockError::Error(source)) => return Err(DemoError::Folder { path, source }),
        }
        let settings = fs::read_to_string(path.join(SETTINGS)).unwrap_or_default();
        let before =
            settings.lines().find_map(|line| line.strip_prefix(NAMESPACE)?.strip_suffix('"'));
        let before = before.and_then(|name| Namespace::new(name).ok());
        let folder = Self { path, before, _held: held };
        folder.clear().map_err(failed)?;
        Ok(folder)
    }

    fn clear(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if !LEFT.contains(&name.as_ref()) && !name.starts_with(REGISTRY_FILE) {
                continue;
            }
            match entry.file_type()?.is_dir() {
                true => fs::remove_dir_all(entry.path())?,
                false => fs::remove_file(entry.path())?,
            }
        }
        Ok(())
    }

    /// From now on the logs of the roles go into it, since the terminal shows the story.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn log(&self) -> Result<(), DemoError> {
        let path = self.file("ripcord.log");
        let failed = |why: FileError| DemoError::Folder { path: path.clone(), source: why.into() };
        diagnostics::init_to(files::own(&path).map_err(failed)?);
        Ok(())
    }

    /// The namespace of the run before: one that was killed left its topics there.
    pub(super) fn before(&self) -> Option<&Namespace> {
        self.before.as_ref()
    }

    /// A file in it.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The registry that serving processes would load from.
    pub(super) fn registry(&self) -> PathBuf {
        self.file(REGISTRY_FILE)
    }

    /// Where a version's model lies.
    pub(super) fn model(&self, version: &str) -> PathBuf {
        self.path.join("models").join(format!("{version}.bin"))
    }

    /// Writes a file into it.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn put(&self, path: &Path, text: &str) -> Result<(), DemoError> {
        let failed = |why: FileError| DemoError::Folder { path: path.into(), source: why.into() };
        files::write(path, text).map_err(failed)
    }

    /// Writes the registry and the models: for each flight what the version answers.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn furnish(&self, flights: &[Flight], versions: &[&str]) -> Result<(), DemoError> {
        let models = self.path.join("models");
        let failed =
            |why: FileError| DemoError::Folder { path: models.clone(), source: why.into() };
        files::make_folder(&models).map_err(failed)?;
        for version in versions {
            let mut model = String::new();
            for flight in flights {
                if let Some(answer) = flight.answers.get(*version) {
                    let (id, body) = (&flight.id, &answer.body);
                    model.push_str(&format!("{{\"flight\":\"{id}\",\"answer\":{body}}}\n"));
                }
            }
            self.put(&self.model(version), &model)?;
        }
        self.put(&self.registry(), REGISTRY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_taken_once_and_never_where_other_things_lie() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("demo");
        let folder = Folder::take(&path).unwrap();
        folder.furnish(&[], &["v2"]).unwrap();
        folder.put(&folder.file("mine.txt"), "kept").unwrap();
        assert!(matches!(Folder::take(&path), Err(DemoError::Running(_))));
        drop(folder);
        let folder = Folder::take(&path).unwrap();
        assert!(!folder.registry().exists() && !folder.model("v2").exists());
        assert!(folder.file("mine.txt").exists(), "what it did not write stays");
        let other = place.path().join("other");
        fs::create_dir(&other).unwrap();
        fs::write(other.join("thesis.tex"), "").unwrap();
        assert!(matches!(Folder::take(&other), Err(DemoError::Strange(_))));
        assert!(!other.join(LOCK).exists());
    }
}
