//! Characters that cannot be seen, or that make others look different from what they are.

use std::ops::RangeInclusive;

/// What a reader does not see: zero-width and joining characters, directions, line and paragraph
/// separators, fillers, and the tags that spell a text nobody sees. In order.
const UNSEEN: [RangeInclusive<char>; 18] = [
    '\u{ad}'..='\u{ad}',
    '\u{34f}'..='\u{34f}',
    '\u{61c}'..='\u{61c}',
    '\u{115f}'..='\u{1160}',
    '\u{17b4}'..='\u{17b5}',
    '\u{180b}'..='\u{180f}',
    '\u{200b}'..='\u{200f}',
    '\u{2028}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{2800}'..='\u{2800}',
    '\u{3164}'..='\u{3164}',
    '\u{feff}'..='\u{feff}',
    '\u{ffa0}'..='\u{ffa0}',
    '\u{fff0}'..='\u{fffb}',
    '\u{1bca0}'..='\u{1bca3}',
    '\u{1d173}'..='\u{1d17a}',
    '\u{e0000}'..='\u{e007f}',
    '\u{e0080}'..='\u{e0fff}',
];

/// Whether a character is a control (C0, C1), or changes what others look like, or is not seen.
/// Spaces are seen.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    match c {
        ' '..='~' => false,
        _ => c.is_control() || UNSEEN.iter().any(|range| range.contains(&c)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen() {
        let hidden = "\0\t\n\r\u{1b}\u{7f}\u{85}\u{9b}\u{200b}\u{200d}\u{200f}\u{2028}\u{2029}\
                      \u{202a}\u{202e}\u{2060}\u{2066}\u{2069}\u{feff}\u{61c}\u{ad}\u{3164}\
                      \u{e0001}\u{e0041}\u{e0100}";
        assert!(hidden.chars().all(is_hidden));
        assert!(!"aZ~ é ж 漢 ع 🚀 \u{a0}…→·".chars().any(is_hidden));
        assert!(UNSEEN.is_sorted_by(|a, b| a.end() < b.start()));
    }
}
