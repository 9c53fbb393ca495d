//! Lines and tables that fit into a terminal, and their colours.

use std::borrow::Cow;
use std::sync::OnceLock;

use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};

/// Columns of a terminal that every line fits into.
pub const WIDTH: usize = 80;

/// With fewer nothing can be told beside a time.
const LEAST: usize = 48;

/// Columns where there are fewer than [`WIDTH`].
static NARROW: OnceLock<usize> = OnceLock::new();

/// Makes every line fit into a terminal that is narrower than usual.
pub fn fit(columns: usize) {
    if columns < WIDTH {
        NARROW.get_or_init(|| columns.max(LEAST));
    }
}

fn width() -> usize {
    NARROW.get().copied().unwrap_or(WIDTH)
}

/// Tables have a line above, below and under their header.
const LINES: TableStyle = TableStyle::new()
    .top_border(LineStyle::none().fill('─').junction('─'))
    .header_separator(LineStyle::none().fill('─').junction('─'))
    .bottom_border(LineStyle::none().fill('─').junction('─'));

/// Colours, where they are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint(bool);

impl Paint {
    /// Colours or none.
    #[must_use]
    pub fn new(on: bool) -> Self {
        Self(on)
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// What went wrong.
    #[must_use]
    pub fn bad(self, text: &str) -> String {
        self.with("1;31", text)
    }

    /// What was mended.
    #[must_use]
    pub fn good(self, text: &str) -> String {
        self.with("1;32", text)
    }

    /// What to look at.
    #[must_use]
    pub fn warn(self, text: &str) -> String {
        self.with("33", text)
    }

    /// A heading.
    #[must_use]
    pub fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    /// What may be passed over.
    #[must_use]
    pub fn dim(self, text: &str) -> String {
        self.with("2", text)
    }
}

/// The text with every character that turns the direction of others, or is not seen, written out:
/// a name shall not make a sentence say something else.
#[must_use]
pub(super) fn visible(text: &str) -> Cow<'_, str> {
    let ranges = ['\u{200b}'..='\u{200f}', '\u{202a}'..='\u{202e}', '\u{2066}'..='\u{2069}'];
    let hidden = |c: char| ranges.iter().any(|range| range.contains(&c));
    if !text.contains(hidden) {
        return Cow::Borrowed(text);
    }
    let shown = |c: char| if hidden(c) { c.escape_unicode().to_string() } else { c.to_string() };
    Cow::Owned(text.chars().map(shown).collect())
}

/// What stays with the number before it.
const UNITS: [&str; 6] = ["%", "points", "ms", "s", "min", "h"];

/// Whether no line may end between two words.
fn bound(before: &str, word: &str) -> bool {
    let unit = word.trim_end_matches(['.', ',', ';', ':', ')']);
    UNITS.contains(&unit) && before.ends_with(|c: char| c.is_ascii_digit())
}

/// Breaks `text` at spaces so that no line is longer than [`WIDTH`]; every line begins with
/// `indent` spaces. A word longer than a line stands on its own.
#[must_use]
pub fn wrap(text: &str, indent: usize) -> String {
    let (text, margin, columns) = (visible(text), " ".repeat(indent), width());
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let (mut line, mut width) = (margin.clone(), indent);
        let mut words = paragraph.split_whitespace().peekable();
        while let Some(word) = words.next() {
            let unit = words.next_if(|next| bound(word, next));
            let word = unit.map_or(word.to_owned(), |unit| format!("{word} {unit}"));
            let length = word.chars().count();
            let gap = usize::from(width > indent);
            if width > indent && width + gap + length > columns {
                lines.push(std::mem::replace(&mut line, margin.clone()));
                width = indent;
            }
            if width > indent {
                line.push(' ');
                width += 1;
            }
            line.push_str(&word);
            width += length;
        }
        lines.push(line);
    }
    lines.join("\n")
}

/// A table that fits; the columns of `right`, from 0, are aligned to the right.
#[must_use]
pub(super) fn table(header: &[&str], rows: &[Vec<String>], right: &[usize]) -> String {
    let mut table = Table::new();
    table.load_style(LINES);
    table.force_no_tty();
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(width()).unwrap_or(u16::MAX));
    if !header.is_empty() {
        table.set_header(header.iter().copied());
    }
    table.add_rows(rows.iter().map(|row| row.iter().map(|cell| visible(cell))));
    for at in right {
        if let Some(column) = table.column_mut(*at) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_wider_than_a_terminal_and_no_word_is_lost() {
        let text = "word ".repeat(60) + &"x".repeat(100) + "\nsecond paragraph";
        let wrapped = wrap(&text, 7);
        for line in wrapped.lines() {
            assert!(line.starts_with("       "), "{line:?}");
            assert!(line.chars().count() <= WIDTH || line.contains("xxx"), "{line:?}");
        }
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(words(&wrapped), words(&text));
    }

    #[test]
    fn a_number_keeps_its_unit() {
        let text = format!("{} 13.1 % of it", "x".repeat(WIDTH - 6));
        assert!(wrap(&text, 0).ends_with("x\n13.1 % of it"), "{}", wrap(&text, 0));
        assert!(bound("0.5", "ms).") && !bound("of", "s") && !bound("3", "samples"));
    }

    #[test]
    fn a_name_turns_no_sentence_around() {
        assert_eq!(visible("v3 serves"), "v3 serves");
        assert_eq!(wrap("v\u{202e}3", 0), "v\\u{202e}3");
        assert!(table(&[], &[vec!["v\u{202e}3".to_owned()]], &[]).contains("v\\u{202e}3"));
    }

    #[test]
    fn colours_only_where_they_are_wanted() {
        assert_eq!(Paint::new(false).bad("x"), "x");
        assert_eq!(Paint::new(true).bad("x"), "\x1b[1;31mx\x1b[0m");
    }
}
