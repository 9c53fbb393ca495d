//! Writes a shard to chunks and reads it back. State is encoded nowhere else.
//!
//! A snapshot is one cut: all of a shard at one position. It is a stream of pieces, each a line of
//! JSON, that is compressed as a whole and cut into chunks. Its manifest is made last, with the hash
//! of all chunks: without it there is no snapshot. [`SnapshotWriter`] works on a copy that shares
//! what does not change, one step at a time, so that the shard goes on meanwhile.

use std::io::{BufRead, BufReader, Write};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::status::Latest;
use super::{BUILD, Shard};
use crate::judge::{Judge, Piece};

/// Grows with every change of the encoded state.
const VERSION: u32 = 5;

/// The most bytes of a chunk.
const CHUNK_BYTES: usize = 512 * 1024;

/// Bytes of JSON after which a step ends, if no chunk has become full before.
const STEP_BYTES: usize = 2 * 1024 * 1024;

/// How hard to compress: the first level takes most of the room off at the speed of a disk.
const LEVEL: i32 = 1;

/// What a snapshot is, and of what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Of the encoded state.
    version: u32,
    /// The program that made it.
    build: String,
    /// The next position of the inbox.
    pub position: i64,
    /// How many chunks there are.
    pub chunks: usize,
    /// How many bytes they have.
    pub bytes: u64,
    /// Of all chunks, one after another, in hexadecimal.
    sha256: String,
}

/// Why a snapshot cannot be used. An older one is, or the inbox is folded from its start.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// A number that JSON cannot hold.
    #[error("the shard cannot be written as JSON")]
    Unwritable(#[source] serde_json::Error),
    /// It has another shape.
    #[error("the snapshot cannot be read; an older one is used, or the inbox from its start")]
    Unreadable(#[source] serde_json::Error),
    /// Its bytes were changed, or some are missing.
    #[error(
        "the snapshot does not match its manifest; an older one is used, or the inbox from its start"
    )]
    Damaged,
    /// Another version or build wrote it.
    #[error("the snapshot is from {0}; it is ignored and the inbox is read from its start")]
    Other(String),
    /// The library that compresses failed.
    #[error("the snapshot could not be compressed")]
    Compression(#[source] std::io::Error),
}

/// A part of a shard's state.
#[derive(Serialize, Deserialize)]
enum ShardPiece {
    /// All but what follows.
    Shard(Box<Shard>),
    Judge(Piece),
    Latest(Latest),
}

/// Writes a shard, step by step.
pub struct SnapshotWriter {
    pieces: std::vec::IntoIter<ShardPiece>,
    encoder: Option<zstd::stream::write::Encoder<'static, Vec<u8>>>,
    hash: Sha256,
    manifest: Manifest,
    line: Vec<u8>,
}

/// The result of a step.
#[derive(Debug, PartialEq, Eq)]
pub enum SnapshotStep {
    /// These chunks follow, if any; there is more to write.
    Chunks(Vec<Vec<u8>>),
    /// These are the last ones, and the manifest to write after them.
    Last(Vec<Vec<u8>>, Box<Manifest>),
}

impl SnapshotWriter {
    /// Begins with a copy of a shard.
    ///
    /// # Errors
    /// The library that compresses cannot start.
    pub fn new(shard: &Shard) -> Result<Self, SnapshotError> {
        let (judge, latest) = (shard.judge.pieces(), shard.latest.pieces());
        let mut pieces = vec![ShardPiece::Shard(Box::new(shard.bare()))];
        pieces.extend(judge.into_iter().map(ShardPiece::Judge));
        pieces.extend(latest.into_iter().map(ShardPiece::Latest));
        let encoder = zstd::stream::write::Encoder::new(Vec::new(), LEVEL);
        let manifest = Manifest {
            version: VERSION,
            build: BUILD.to_owned(),
            position: shard.next,
            chunks: 0,
            bytes: 0,
            sha256: String::new(),
        };
        Ok(Self {
            pieces: pieces.into_iter(),
            encoder: Some(encoder.map_err(SnapshotError::Compression)?),
            hash: Sha256::new(),
            manifest,
            line: Vec::new(),
        })
    }

    /// Writes some more, until a chunk is full or a few megabytes are written.
    ///
    /// # Errors
    /// A number that JSON cannot hold; the library that compresses. Then there is no snapshot.
    pub fn step(&mut self) -> Result<SnapshotStep, SnapshotError> {
        let mut written = 0;
        while let Some(encoder) = &mut self.encoder {
            let full = encoder.get_ref().len() >= CHUNK_BYTES;
            if full || written >= STEP_BYTES {
                let chunks = full_chunks(encoder.get_mut());
                return Ok(SnapshotStep::Chunks(self.counted(chunks)));
            }
            let Some(piece) = self.pieces.next() else { break };
            self.line.clear();
            serde_json::to_writer(&mut self.line, &piece).map_err(SnapshotError::Unwritable)?;
            self.line.push(b'\n');
            written += self.line.len();
            encoder.write_all(&self.line).map_err(SnapshotError::Compression)?;
        }
        let rest = self.encoder.take().map(zstd::stream::write::Encoder::finish);
        let mut rest = rest.transpose().map_err(SnapshotError::Compression)?.unwrap_or_default();
        let mut chunks = full_chunks(&mut rest);
        if !rest.is_empty() {
            chunks.push(rest);
        }
        let chunks = self.counted(chunks);
        self.manifest.sha256 = hex(self.hash.clone());
        Ok(SnapshotStep::Last(chunks, Box::new(self.manifest.clone())))
    }

    /// The position that it is of.
    #[must_use]
    pub fn position(&self) -> i64 {
        self.manifest.position
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

/// The shard that a [`SnapshotWriter`] wrote.
///
/// # Errors
/// See [`SnapshotError`].
pub fn restore(manifest: &Manifest, chunks: &[&[u8]]) -> Result<Shard, SnapshotError> {
    if (manifest.version, manifest.build.as_str()) != (VERSION, BUILD) {
        let other = format!("version {} of build {}", manifest.version, manifest.build);
        return Err(SnapshotError::Other(other));
    }
    let mut hash = Sha256::new();
    chunks.iter().for_each(|chunk| hash.update(chunk));
    if hex(hash) != manifest.sha256 {
        return Err(SnapshotError::Damaged);
    }
    let bytes = chunks.concat();
    let stream = zstd::stream::read::Decoder::new(bytes.as_slice());
    let stream = stream.map_err(|_| SnapshotError::Damaged)?;
    let (mut lines, mut line) = (BufReader::new(stream), Vec::new());
    let mut shard: Option<Shard> = None;
    while lines.read_until(b'\n', &mut line).map_err(|_| SnapshotError::Damaged)? > 0 {
        let piece = serde_json::from_slice(&line).map_err(SnapshotError::Unreadable)?;
        match (piece, &mut shard) {
            (ShardPiece::Shard(bare), None) => shard = Some(*bare),
            (ShardPiece::Judge(piece), Some(shard)) => shard.judge.put(piece),
            (ShardPiece::Latest(latest), Some(shard)) => shard.latest.put(latest),
            (ShardPiece::Shard(_), Some(_)) | (_, None) => return Err(SnapshotError::Damaged),
        }
        line.clear();
    }
    shard.ok_or(SnapshotError::Damaged)
}

impl Shard {
    /// The shard without what is written piece by piece.
    fn bare(&self) -> Self {
        Self {
            id: self.id,
            count: self.count,
            next: self.next,
            log: self.log.clone(),
            rule_set: self.rule_set.clone(),
            judge: Judge::default(),
            undo: self.undo.clone(),
            before_rules: self.before_rules,
            unreadable: self.unreadable,
            heard: self.heard.clone(),
            latest: Latest::default(),
        }
    }
}

fn hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
