//! The words that the tests of targets share.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use ripcord::config::{Config, KeptSecrets, RegistryShape};
use ripcord::model::{Command, ModelId, TargetId};
use ripcord::targets::exec::{Exec, ExecOptions};
use ripcord::targets::{Acted, Later, Target};

pub(crate) const LONG: Duration = Duration::from_secs(30);

pub(crate) fn target(name: &str) -> TargetId {
    TargetId::new(name).unwrap()
}

/// The shape that a config describes in these lines.
pub(crate) fn shape(lines: &str) -> RegistryShape {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("my.toml");
    std::fs::write(&file, format!("[workers.registry.shape]\n{lines}")).unwrap();
    let config = Config::load(&[file], &BTreeMap::new());
    config.unwrap_or_else(|refused| panic!("{refused}")).settings.workers.registry_shape
}

/// `fd` shall be `to`, was `from`.
pub(crate) fn production(id: &str, generation: u64, to: &str, from: &str) -> Command {
    let want = serde_json::json!({"want": "production", "version": to, "instead_of": from});
    command(id, generation, &want)
}

pub(crate) fn notice(id: &str, generation: u64) -> Command {
    let (summary, severity) = ("fd is back on v2", "critical");
    let want = serde_json::json!({"want": "notice", "summary": summary, "severity": severity});
    command(id, generation, &want)
}

fn command(id: &str, generation: u64, want: &serde_json::Value) -> Command {
    serde_json::from_value(serde_json::json!({
        "id": id, "namespace": "test", "incident": "i1", "model": "fd", "generation": generation,
        "target": "t", "stage": "registry", "want": want, "reason": "accuracy fell", "mode": "act",
        "issued_at": "2013-06-24T09:00:00Z", "expires_at": "2013-06-24T10:00:00Z", "reply_to": 0
    }))
    .unwrap()
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(future)
}

pub(crate) fn act(target: &mut dyn Target, command: &Command) -> Acted {
    let acting: Later<'_, Acted> = target.act(command);
    block_on(acting)
}

/// The user's programs in `folder`, their fences there too.
pub(crate) fn exec(
    folder: &Path,
    probe: Option<Vec<String>>,
    act: Vec<String>,
    time_limit: Duration,
) -> Exec {
    let models = vec![ModelId::new("fd").unwrap()];
    let (folder, fence_folder) = (folder.to_owned(), folder.to_owned());
    let target = target("mine");
    let secrets = KeptSecrets::default();
    Exec::new(ExecOptions { target, models, probe, act, time_limit, folder, fence_folder, secrets })
}
