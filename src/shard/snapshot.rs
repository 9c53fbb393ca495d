//! Writes a shard to bytes and reads it back. State is encoded nowhere else.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{BUILD, Shard};

/// Grows with every change of the encoded state.
const VERSION: u32 = 4;

#[derive(Serialize, Deserialize)]
struct Envelope<'a> {
    version: u32,
    build: String,
    sha256: String,
    #[serde(borrow)]
    shard: &'a serde_json::value::RawValue,
}

/// Why a snapshot cannot be used. The inbox is then folded from its start.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// It is not JSON, or has another shape.
    #[error("the snapshot cannot be read")]
    Unreadable(#[from] serde_json::Error),
    /// Its bytes were changed.
    #[error(
        "the snapshot does not match its hash; it is ignored and the inbox is read from the start"
    )]
    Damaged,
    /// Another version or build wrote it.
    #[error("the snapshot is from {0}; it is ignored and the inbox is read from the start")]
    Other(String),
}

/// The shard as bytes.
///
/// # Errors
/// A number that JSON cannot hold.
pub fn snapshot(shard: &Shard) -> Result<Vec<u8>, SnapshotError> {
    let state = serde_json::value::to_raw_value(shard)?;
    let sha256 = hash(state.get());
    let envelope = Envelope { version: VERSION, build: BUILD.to_owned(), sha256, shard: &state };
    Ok(serde_json::to_vec(&envelope)?)
}

/// The shard that [`snapshot`] wrote.
///
/// # Errors
/// See [`SnapshotError`].
pub fn restore(bytes: &[u8]) -> Result<Shard, SnapshotError> {
    let envelope: Envelope<'_> = serde_json::from_slice(bytes)?;
    if (envelope.version, envelope.build.as_str()) != (VERSION, BUILD) {
        let other = format!("version {} of build {}", envelope.version, envelope.build);
        return Err(SnapshotError::Other(other));
    }
    if hash(envelope.shard.get()) != envelope.sha256 {
        return Err(SnapshotError::Damaged);
    }
    Ok(serde_json::from_str(envelope.shard.get())?)
}

fn hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
