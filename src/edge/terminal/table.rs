//! Tables: drawn on a terminal, plain aligned text elsewhere.

use std::io::IsTerminal;

use comfy_table::{Attribute, Cell as Drawn, CellAlignment, Color, ContentArrangement, Table};

/// The widest that a table gets.
const WIDTH: u16 = 80;

/// How output is to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Drawn for a terminal.
    pub drawn: bool,
    /// With colours.
    pub colours: bool,
}

impl Look {
    /// What standard output and the user ask for: `no_color` is the flag's or the variable's word.
    #[must_use]
    pub fn of_stdout(no_color: bool) -> Self {
        Self { drawn: std::io::stdout().is_terminal(), colours: super::colours(no_color) }
    }
}

/// The tone of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tone {
    /// Nothing.
    #[default]
    Plain,
    /// All is well.
    Good,
    /// Look at it some time.
    Doubtful,
    /// Look at it now.
    Bad,
}

/// A text with its tone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableCell(String, Tone);

impl TableCell {
    /// A text that has a tone.
    #[must_use]
    pub fn toned(text: impl Into<String>, tone: Tone) -> Self {
        Self(text.into(), tone)
    }
}

impl<T: Into<String>> From<T> for TableCell {
    fn from(text: T) -> Self {
        Self(text.into(), Tone::Plain)
    }
}

/// The text of a table, without a line break at its end. `right` names the columns of numbers.
#[must_use]
pub fn table(head: &[&str], right: &[usize], rows: Vec<Vec<TableCell>>, look: Look) -> String {
    if look.drawn { drawn(head, right, rows, look) } else { plain(head, right, &rows) }
}

/// A line in a tone.
#[must_use]
pub fn toned(text: &str, tone: Tone, look: Look) -> String {
    let colour = match tone {
        _ if !look.colours => return text.to_owned(),
        Tone::Plain => return text.to_owned(),
        Tone::Good => 32,
        Tone::Doubtful => 33,
        Tone::Bad => 31,
    };
    format!("\u{1b}[{colour}m{text}\u{1b}[39m")
}

fn drawn(head: &[&str], right: &[usize], rows: Vec<Vec<TableCell>>, look: Look) -> String {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDTH);
    if look.colours {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    let title = |name: &&str| {
        let cell = Drawn::new(name);
        if look.colours { cell.add_attribute(Attribute::Bold) } else { cell }
    };
    table.set_header(head.iter().map(title));
    for row in rows {
        table.add_row(row.into_iter().map(|TableCell(text, tone)| {
            let cell = Drawn::new(text);
            match tone {
                _ if !look.colours => cell,
                Tone::Plain => cell,
                Tone::Good => cell.fg(Color::Green),
                Tone::Doubtful => cell.fg(Color::Yellow),
                Tone::Bad => cell.fg(Color::Red),
            }
        }));
    }
    for (at, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 1));
        if right.contains(&at) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    trimmed(&table.to_string())
}

fn plain(head: &[&str], right: &[usize], rows: &[Vec<TableCell>]) -> String {
    let mut lines: Vec<Vec<&str>> = vec![head.to_vec()];
    lines.extend(
        rows.iter().map(|row| row.iter().map(|TableCell(text, _)| text.as_str()).collect()),
    );
    let long = |line: &Vec<&str>, at: usize| line.get(at).map_or(0, |text| text.chars().count());
    let widths: Vec<usize> = (0..head.len())
        .map(|at| lines.iter().map(|line| long(line, at)).max().unwrap_or(0))
        .collect();
    let mut out = String::new();
    for line in &lines {
        for (at, (text, width)) in line.iter().zip(&widths).enumerate() {
            let padded = match right.contains(&at) {
                true => format!("{text:>width$} "),
                false => format!("{text:<width$} "),
            };
            out.push_str(&padded);
        }
        out.push('\n');
    }
    trimmed(&out)
}

fn trimmed(text: &str) -> String {
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Vec<TableCell>> {
        vec![
            vec!["v1".into(), "3.25 %".into(), TableCell::toned("breach", Tone::Bad)],
            vec!["versión-10".into(), "-".into(), TableCell::toned("healthy", Tone::Good)],
        ]
    }

    #[test]
    fn elsewhere_it_is_plain_and_aligned() {
        let look = Look { drawn: false, colours: false };
        let expected = "WHO         VALUE VERDICT\n\
                        v1         3.25 % breach\n\
                        versión-10      - healthy";
        assert_eq!(table(&["WHO", "VALUE", "VERDICT"], &[1], rows(), look), expected);
    }

    #[test]
    fn colours_come_only_where_they_are_wanted() {
        for (colours, wanted) in [(true, true), (false, false)] {
            let text = table(&["A", "B", "C"], &[1], rows(), Look { drawn: true, colours });
            assert_eq!(text.contains('\u{1b}'), wanted, "{text}");
            assert_eq!(
                crate::edge::terminal::screened(&text, colours),
                text,
                "its own colours pass"
            );
        }
    }

    #[test]
    fn on_a_terminal_it_keeps_to_80_columns() {
        let wide = vec![vec!["a".repeat(60).into(), "b ".repeat(60).into()]];
        let text = table(&["A", "B"], &[], wide, Look { drawn: true, colours: false });
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }
}
