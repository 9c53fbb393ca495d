//! Lines and tables that fit into a terminal, and their colours.

use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};

use crate::phrases::visible;

/// Columns that every line fits into, unless the terminal has fewer.
pub const WIDTH: usize = 80;

/// With fewer columns no text fits next to a time.
const LEAST: usize = 52;

/// Tables have a line above, below and under their header.
const LINES: TableStyle = TableStyle::new()
    .top_border(LineStyle::none().fill('─').junction('─'))
    .header_separator(LineStyle::none().fill('─').junction('─'))
    .bottom_border(LineStyle::none().fill('─').junction('─'));

/// What text is laid out for: how many columns, and whether with colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Screen {
    colours: bool,
    columns: usize,
}

impl Screen {
    /// A screen with or without colours, of this many columns if it is a terminal.
    #[must_use]
    pub fn new(colours: bool, columns: Option<usize>) -> Self {
        let columns = columns.unwrap_or(WIDTH).clamp(LEAST, WIDTH);
        Self { colours, columns }
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.colours { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// Something went wrong.
    #[must_use]
    pub fn bad(self, text: &str) -> String {
        self.with("1;31", text)
    }

    /// Something was fixed.
    #[must_use]
    pub fn good(self, text: &str) -> String {
        self.with("1;32", text)
    }

    /// Something needs a look.
    #[must_use]
    pub fn warn(self, text: &str) -> String {
        self.with("33", text)
    }

    /// A heading.
    #[must_use]
    pub fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    /// Less important text.
    #[must_use]
    pub fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    /// Breaks `text` at spaces so that no line is wider than the screen; every line begins with
    /// `indent` spaces. A word longer than a line gets a line of its own.
    #[must_use]
    pub fn wrap(self, text: &str, indent: usize) -> String {
        let (text, margin, columns) = (visible(text), " ".repeat(indent), self.columns);
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
    pub(super) fn table(self, header: &[&str], rows: &[Vec<String>], right: &[usize]) -> String {
        let mut table = Table::new();
        table.load_style(LINES);
        table.force_no_tty();
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(u16::try_from(self.columns).unwrap_or(u16::MAX));
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
}

/// Units, which stay on the line of the number before them.
const UNITS: [&str; 8] = ["%", "points", "ms", "s", "min", "h", "d", "UTC"];

/// Whether two words must stay on one line.
fn bound(before: &str, word: &str) -> bool {
    let unit = word.trim_end_matches(['.', ',', ';', ':', ')']);
    UNITS.contains(&unit) && before.ends_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Screen = Screen { colours: false, columns: WIDTH };

    #[test]
    fn no_line_is_wider_than_a_terminal_and_no_word_is_lost() {
        let text = "word ".repeat(60) + &"x".repeat(100) + "\nsecond paragraph";
        let wrapped = PLAIN.wrap(&text, 7);
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
        assert!(PLAIN.wrap(&text, 0).ends_with("x\n13.1 % of it"), "{}", PLAIN.wrap(&text, 0));
        assert!(bound("0.5", "ms).") && !bound("of", "s") && !bound("3", "samples"));
    }

    #[test]
    fn a_name_turns_no_sentence_around() {
        assert_eq!(PLAIN.wrap("v\u{202e}3", 0), "v\\u{202e}3");
        assert!(PLAIN.table(&[], &[vec!["v\u{202e}3".to_owned()]], &[]).contains("v\\u{202e}3"));
    }

    #[test]
    fn colours_only_where_they_are_wanted() {
        assert_eq!(PLAIN.bad("x"), "x");
        assert_eq!(Screen::new(true, None).bad("x"), "\x1b[1;31mx\x1b[0m");
    }
}
