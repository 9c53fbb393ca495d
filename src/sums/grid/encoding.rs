//! A grid as bytes: a number takes one or two, an empty grid one.
//!
//! A byte of flags, then what they announce: the numbers of zeros, of missing, non-finite,
//! unusable and other values; categories by name; and cells. All are varints of seven bits a byte,
//! low bits first. Cells are written by size, the shifted ordinal without its sign, less the zero
//! bits that all end in: as the distance to the one before, doubled, plus 1 if its count follows.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Grid;
use super::numbers::{COARSEST, FINEST, MOST_CELLS, Numbers};
use crate::sums::varint::{byte, read, write};

const POSITIVE: u8 = 1;
const ZEROS: u8 = 2;
const MISSING: u8 = 4;
const NON_FINITE: u8 = 8;
const NEGATIVE: u8 = 16;
const UNUSABLE: u8 = 32;
const OTHER: u8 = 64;
const CATEGORIES: u8 = 128;

/// Categories that a grid may name: no source may ask for more.
const MOST_CATEGORIES: u64 = 10_000;

/// The counts that have a flag and a number, in their order.
fn counters(grid: &Grid) -> [(u8, u64); 5] {
    [
        (ZEROS, grid.numbers.zeros),
        (MISSING, grid.missing),
        (NON_FINITE, grid.non_finite),
        (UNUSABLE, grid.unusable),
        (OTHER, grid.other),
    ]
}

pub(super) fn encode(grid: &Grid) -> Vec<u8> {
    let Numbers { shift, cells, .. } = &grid.numbers;
    let negative: Vec<_> = cells.iter().rev().skip_while(|(cell, _)| *cell >= 0).collect();
    let positive: Vec<_> = cells.iter().skip_while(|(cell, _)| *cell < 0).collect();
    let signs = [(NEGATIVE, &negative), (POSITIVE, &positive)];
    let mut flags = if grid.categories.is_empty() { 0 } else { CATEGORIES };
    for (flag, there) in counters(grid)
        .map(|(flag, count)| (flag, count > 0))
        .into_iter()
        .chain(signs.map(|(flag, cells)| (flag, !cells.is_empty())))
    {
        flags |= if there { flag } else { 0 };
    }
    let mut out = vec![flags];
    for (_, count) in counters(grid).into_iter().filter(|(_, count)| *count > 0) {
        write(&mut out, count);
    }
    if !grid.categories.is_empty() {
        write(&mut out, grid.categories.len() as u64);
        for (name, count) in &grid.categories {
            write(&mut out, name.len() as u64);
            out.extend_from_slice(name.as_bytes());
            write(&mut out, *count);
        }
    }
    if !cells.is_empty() {
        let ending = cells.iter().map(|(cell, _)| size(*cell)).fold(0, |all, size| all | size);
        let zeros = if ending == 0 { 0 } else { ending.trailing_zeros() as u8 };
        out.extend([*shift, zeros]);
        for (_, cells) in signs.into_iter().filter(|(_, cells)| !cells.is_empty()) {
            write(&mut out, cells.len() as u64);
            let mut next = 0;
            for (cell, count) in cells {
                let place = size(*cell) >> zeros;
                write(&mut out, (place - next) << 1 | u64::from(*count > 1));
                if *count > 1 {
                    write(&mut out, count - 2);
                }
                next = place + 1;
            }
        }
    }
    out
}

/// A cell without its sign.
fn size(cell: i64) -> u64 {
    (if cell < 0 { !cell } else { cell }).unsigned_abs()
}

/// `None`: it is no grid.
pub(super) fn decode(mut bytes: &[u8]) -> Option<Grid> {
    let bytes = &mut bytes;
    let flags = byte(bytes)?;
    let mut grid = Grid::default();
    let Grid { numbers, missing, non_finite, unusable, other, categories } = &mut grid;
    for (flag, count) in [
        (ZEROS, &mut numbers.zeros),
        (MISSING, missing),
        (NON_FINITE, non_finite),
        (UNUSABLE, unusable),
        (OTHER, other),
    ] {
        if flags & flag != 0 {
            *count = read(bytes)?;
        }
    }
    if flags & CATEGORIES != 0 {
        *categories = named(bytes)?;
    }
    if flags & (NEGATIVE | POSITIVE) != 0 {
        let (shift, zeros) = (byte(bytes)?, byte(bytes)?);
        if !(FINEST..=COARSEST).contains(&shift) || zeros > COARSEST {
            return None;
        }
        numbers.shift = shift;
        let largest = i64::MAX.unsigned_abs() >> shift;
        if flags & NEGATIVE != 0 {
            let sizes = sizes(bytes, zeros, largest)?;
            numbers.cells = sizes.into_iter().rev().map(|(size, n)| (!size, n)).collect();
        }
        if flags & POSITIVE != 0 {
            numbers.cells.extend(sizes(bytes, zeros, largest)?);
        }
        if numbers.cells.len() > MOST_CELLS {
            return None;
        }
    }
    bytes.is_empty().then_some(grid)
}

/// Sizes of cells, ascending, with their counts.
fn sizes(bytes: &mut &[u8], zeros: u8, largest: u64) -> Option<Vec<(i64, u64)>> {
    let count = read(bytes).filter(|count| (1..=MOST_CELLS as u64).contains(count))?;
    let mut next: u64 = 0;
    let mut sizes = Vec::new();
    for _ in 0..count {
        let step = read(bytes)?;
        let place = next.checked_add(step >> 1)?;
        let n = if step & 1 == 1 { read(bytes)?.checked_add(2)? } else { 1 };
        let size = place.checked_mul(1 << zeros).filter(|size| *size <= largest)?;
        sizes.push((size.cast_signed(), n));
        next = place + 1;
    }
    Some(sizes)
}

fn named(bytes: &mut &[u8]) -> Option<BTreeMap<Arc<str>, u64>> {
    let count = read(bytes).filter(|count| *count <= MOST_CATEGORIES)?;
    let mut categories = BTreeMap::new();
    for _ in 0..count {
        let length = usize::try_from(read(bytes)?).ok()?;
        let (name, rest) = bytes.split_at_checked(length)?;
        *bytes = rest;
        categories.insert(Arc::from(std::str::from_utf8(name).ok()?), read(bytes)?);
    }
    Some(categories)
}
