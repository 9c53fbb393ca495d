//! Whole numbers in few bytes: seven bits a byte, low bits first.

/// Appends a number.
pub(super) fn write(out: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Takes a number off the front. `None`: there is none.
pub(super) fn read(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let next = byte(bytes)?;
        let part = u64::from(next & 0x7f);
        if part > u64::MAX >> shift {
            return None;
        }
        number |= part << shift;
        if next & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// Takes a byte off the front.
pub(super) fn byte(bytes: &mut &[u8]) -> Option<u8> {
    let (first, rest) = bytes.split_first()?;
    *bytes = rest;
    Some(*first)
}
