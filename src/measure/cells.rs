//! Cells of one size, in chunks, so that growth copies none of them.

/// Cells that are allocated at once.
const CHUNK: usize = 4096;
/// No cell.
pub(super) const NONE: u32 = u32::MAX;

/// Numbered cells; the number of one that was removed is used again.
#[derive(Debug)]
pub(super) struct Cells<T> {
    chunks: Vec<Vec<T>>,
    free: Vec<u32>,
    used: usize,
}

impl<T: Copy> Cells<T> {
    pub(super) fn new() -> Self {
        Self { chunks: Vec::new(), free: Vec::new(), used: 0 }
    }

    /// How many are in use.
    pub(super) fn used(&self) -> usize {
        self.used
    }

    pub(super) fn add(&mut self, cell: T) -> u32 {
        self.used += 1;
        if let Some(at) = self.free.pop() {
            *self.at_mut(at) = cell;
            return at;
        }
        if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        let before = (self.chunks.len() - 1) * CHUNK;
        let chunk = self.chunks.last_mut().map(|chunk| {
            chunk.push(cell);
            chunk.len()
        });
        u32::try_from(before + chunk.unwrap_or(1) - 1).unwrap_or(NONE)
    }

    pub(super) fn remove(&mut self, at: u32) {
        self.used -= 1;
        self.free.push(at);
    }

    #[expect(clippy::expect_used, reason = "only this type makes its numbers, and keeps all cells")]
    pub(super) fn at(&self, at: u32) -> &T {
        let at = at as usize;
        self.chunks.get(at / CHUNK).and_then(|chunk| chunk.get(at % CHUNK)).expect("a cell")
    }

    #[expect(clippy::expect_used, reason = "only this type makes its numbers, and keeps all cells")]
    pub(super) fn at_mut(&mut self, at: u32) -> &mut T {
        let at = at as usize;
        let chunk = self.chunks.get_mut(at / CHUNK);
        chunk.and_then(|chunk| chunk.get_mut(at % CHUNK)).expect("a cell")
    }
}
