//! Writes a shard piece by piece and reads it back. State is encoded nowhere else.
//!
//! The pieces are one cut: all of a shard at one position, each piece a line of JSON. They come
//! from a copy that shares what does not change, so that the shard goes on while they are written.

use serde::{Deserialize, Serialize};

use super::status::Latest;
use super::{Shard, Touched};
use crate::judge::{Judge, JudgePiece};
use crate::undo::UndoPiece;

/// The form of the pieces. Grows with every change of the encoded state.
pub const SNAPSHOT_VERSION: u32 = 7;

/// Why a snapshot cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// A number that JSON cannot hold.
    #[error("the shard cannot be written as JSON")]
    Unwritable(#[source] serde_json::Error),
    /// A piece has another shape.
    #[error("a piece of the snapshot cannot be read")]
    Unreadable(#[source] serde_json::Error),
    /// The first piece is not the first, or there is none.
    #[error("the pieces of the snapshot are not in their order")]
    Disordered,
}

/// A part of a shard's state.
#[derive(Serialize, Deserialize)]
enum ShardPiece {
    /// All but what follows.
    Shard(Box<Shard>),
    Judge(JudgePiece),
    Undo(UndoPiece),
    Latest(Latest),
}

/// The pieces of a shard that are still to be written.
pub struct Snapshot {
    pieces: std::vec::IntoIter<ShardPiece>,
    position: i64,
}

impl Snapshot {
    /// Begins with a copy of a shard.
    #[must_use]
    pub fn of(shard: &Shard) -> Self {
        let (judge, undo, latest) =
            (shard.judge.pieces(), shard.undo.pieces(), shard.latest.pieces());
        let mut pieces = vec![ShardPiece::Shard(Box::new(shard.bare()))];
        pieces.extend(judge.into_iter().map(ShardPiece::Judge));
        pieces.extend(undo.into_iter().map(ShardPiece::Undo));
        pieces.extend(latest.into_iter().map(ShardPiece::Latest));
        Self { pieces: pieces.into_iter(), position: shard.next }
    }

    /// The position of the inbox that it is of: the next one to fold.
    #[must_use]
    pub fn position(&self) -> i64 {
        self.position
    }

    /// The next piece, one line without its end. `None` after the last.
    ///
    /// # Errors
    /// A number that JSON cannot hold.
    pub fn next_piece(&mut self) -> Result<Option<Vec<u8>>, SnapshotError> {
        let piece = self.pieces.next().map(|piece| serde_json::to_vec(&piece));
        piece.transpose().map_err(SnapshotError::Unwritable)
    }
}

/// The shard whose pieces these are.
///
/// # Errors
/// Pieces that cannot be read, or are not in their order.
pub fn restore<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Result<Shard, SnapshotError> {
    let mut shard: Option<Shard> = None;
    for piece in pieces {
        let piece = serde_json::from_slice(piece).map_err(SnapshotError::Unreadable)?;
        match (piece, &mut shard) {
            (ShardPiece::Shard(bare), None) => shard = Some(*bare),
            (ShardPiece::Judge(piece), Some(shard)) => shard.judge.put(piece),
            (ShardPiece::Undo(piece), Some(shard)) => shard.undo.put(piece),
            (ShardPiece::Latest(latest), Some(shard)) => shard.latest.put(latest),
            (ShardPiece::Shard(_), Some(_)) | (_, None) => return Err(SnapshotError::Disordered),
        }
    }
    shard.ok_or(SnapshotError::Disordered)
}

impl Shard {
    /// The shard without what is written piece by piece.
    fn bare(&self) -> Self {
        Self {
            id: self.id,
            count: self.count,
            next: self.next,
            log: self.log,
            rule_set: self.rule_set.clone(),
            judge: Judge::default(),
            undo: self.undo.without_models(),
            before_rules: self.before_rules,
            unreadable: self.unreadable,
            heard: self.heard.clone(),
            latest: Latest::default(),
            touched: Touched::default(),
        }
    }
}
