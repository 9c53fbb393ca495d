//! A snapshot as chunks and a manifest: its pieces, one a line, compressed as a whole and cut.

use std::io::Write;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::shard::{self, BUILD, SNAPSHOT_VERSION, Shard, Snapshot, SnapshotError};

/// The most bytes of a chunk.
const CHUNK_BYTES: usize = 512 * 1024;

/// Bytes of pieces after which a step ends, if no chunk has become full before.
const STEP_BYTES: usize = 2 * 1024 * 1024;

/// How hard to compress: the first level takes most of the room off at the speed of a disk.
const LEVEL: i32 = 1;

/// What a snapshot is, and of what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// The form of the pieces.
    version: u32,
    /// The program that made it.
    build: String,
    /// The next position of the inbox.
    pub(crate) position: i64,
    /// How many chunks there are.
    pub(crate) chunks: usize,
    /// How many bytes they have.
    pub(crate) bytes: u64,
    /// Of all chunks, one after another, in hexadecimal.
    sha256: String,
}

/// Why a snapshot cannot be written or used. An older one is, or the inbox is folded from its
/// start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PackError {
    /// Its pieces cannot be written or read.
    #[error(transparent)]
    Pieces(#[from] SnapshotError),
    /// Its bytes were changed, or some are missing.
    #[error("the snapshot does not match its manifest")]
    Damaged,
    /// Another version or build wrote it.
    #[error("the snapshot is from {0}")]
    Other(String),
    /// The library that compresses failed.
    #[error("the snapshot cannot be compressed or unpacked")]
    Compression(#[from] std::io::Error),
}

/// Packs a snapshot, step by step.
pub(crate) struct Packer {
    snapshot: Snapshot,
    encoder: Option<zstd::stream::write::Encoder<'static, Vec<u8>>>,
    hash: Sha256,
    manifest: Manifest,
}

/// The result of a step.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum PackStep {
    /// These chunks follow, if any; there is more to write.
    Chunks(Vec<Vec<u8>>),
    /// These are the last ones, and the manifest to write after them.
    Last(Vec<Vec<u8>>, Box<Manifest>),
}

impl Packer {
    /// Begins.
    ///
    /// # Errors
    /// The library that compresses cannot start.
    pub(crate) fn new(snapshot: Snapshot) -> Result<Self, PackError> {
        let manifest = Manifest {
            version: SNAPSHOT_VERSION,
            build: BUILD.to_owned(),
            position: snapshot.position(),
            chunks: 0,
            bytes: 0,
            sha256: String::new(),
        };
        let encoder = Some(zstd::stream::write::Encoder::new(Vec::new(), LEVEL)?);
        Ok(Self { snapshot, encoder, hash: Sha256::new(), manifest })
    }

    /// The position that it is of.
    pub(crate) fn position(&self) -> i64 {
        self.manifest.position
    }

    /// Packs some more, until a chunk is full or a few megabytes are read.
    ///
    /// # Errors
    /// See [`PackError`]. Then there is no snapshot.
    pub(crate) fn step(&mut self) -> Result<PackStep, PackError> {
        let mut read = 0;
        while let Some(encoder) = &mut self.encoder {
            let full = encoder.get_ref().len() >= CHUNK_BYTES;
            if full || read >= STEP_BYTES {
                let chunks = full_chunks(encoder.get_mut());
                return Ok(PackStep::Chunks(self.counted(chunks)));
            }
            let Some(piece) = self.snapshot.next_piece()? else { break };
            read += piece.len();
            encoder.write_all(&piece)?;
            encoder.write_all(b"\n")?;
        }
        let rest = self.encoder.take().map(zstd::stream::write::Encoder::finish);
        let mut rest = rest.transpose()?.unwrap_or_default();
        let mut chunks = full_chunks(&mut rest);
        chunks.extend(Some(rest).filter(|rest| !rest.is_empty()));
        let chunks = self.counted(chunks);
        self.manifest.sha256 = hex(self.hash.clone());
        Ok(PackStep::Last(chunks, Box::new(self.manifest.clone())))
    }

    fn counted(&mut self, chunks: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
        for chunk in &chunks {
            self.hash.update(chunk);
            self.manifest.chunks += 1;
            self.manifest.bytes += chunk.len() as u64;
        }
        chunks
    }
}

/// Takes the full chunks off what is compressed.
fn full_chunks(bytes: &mut Vec<u8>) -> Vec<Vec<u8>> {
    let mut chunks = Vec::new();
    while bytes.len() >= CHUNK_BYTES {
        let rest = bytes.split_off(CHUNK_BYTES);
        chunks.push(std::mem::replace(bytes, rest));
    }
    chunks
}

/// The shard that a [`Packer`] packed.
///
/// # Errors
/// See [`PackError`].
pub(crate) fn unpack(manifest: &Manifest, chunks: &[&[u8]]) -> Result<Shard, PackError> {
    if (manifest.version, manifest.build.as_str()) != (SNAPSHOT_VERSION, BUILD) {
        let other = format!("version {} of build {}", manifest.version, manifest.build);
        return Err(PackError::Other(other));
    }
    let bytes = chunks.concat();
    if hex(Sha256::new_with_prefix(&bytes)) != manifest.sha256 {
        return Err(PackError::Damaged);
    }
    let pieces = zstd::stream::decode_all(bytes.as_slice())?;
    let lines = pieces.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    Ok(shard::restore(lines)?)
}

fn hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{LaneId, LogTime, SourceId};
    use crate::shard::Inbox;

    /// A shard that has heard of many sources.
    fn shard() -> Shard {
        let mut state = 1_u64;
        let mut lane = |lane| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let source = SourceId::new(&format!("{:016x}", state.reverse_bits())).unwrap();
            LaneId { source, lane }
        };
        let lanes = (0..100_000).map(&mut lane).collect();
        let record = Inbox::Heartbeat { process: "p".to_owned(), lanes };
        let mut shard = Shard::new(3, 8);
        shard.step(7, LogTime::from_ms(0), &record, &mut Vec::new()).unwrap();
        shard
    }

    fn packed(shard: &Shard) -> (Manifest, Vec<Vec<u8>>) {
        let mut packer = Packer::new(Snapshot::of(shard)).unwrap();
        let mut all = Vec::new();
        loop {
            match packer.step().unwrap() {
                PackStep::Chunks(chunks) => all.extend(chunks),
                PackStep::Last(chunks, manifest) => {
                    all.extend(chunks);
                    return (*manifest, all);
                }
            }
        }
    }

    #[test]
    fn what_is_large_is_cut_and_comes_back_whole() {
        let shard = shard();
        let (manifest, chunks) = packed(&shard);
        assert!(chunks.len() > 1 && chunks.iter().all(|chunk| chunk.len() <= CHUNK_BYTES));
        assert_eq!((manifest.chunks, manifest.position), (chunks.len(), 8));
        let chunks: Vec<_> = chunks.iter().map(Vec::as_slice).collect();
        assert!(unpack(&manifest, &chunks).unwrap() == shard);
        let swapped: Vec<_> = chunks.iter().rev().copied().collect();
        for wrong in [&[][..], &chunks[1..], &swapped, &[&chunks[..], &[b"x"]].concat()] {
            let error = unpack(&manifest, wrong).unwrap_err();
            assert!(matches!(error, PackError::Damaged), "{error}");
        }
        let other = Manifest { build: "0.0.1".to_owned(), ..manifest };
        let error = unpack(&other, &chunks).unwrap_err();
        assert!(error.to_string().contains("of build 0.0.1"), "{error}");
    }
}
