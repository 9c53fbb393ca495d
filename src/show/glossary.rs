//! The words that screens use, explained: the text of `ripcord help terms`.

use super::Screen;
use crate::phrases::glossary::TERMS;

/// Columns before an explanation.
const INDENT: usize = 4;

/// All words with their meanings.
#[must_use]
pub fn glossary(screen: Screen) -> String {
    let entry = |(term, text): &(&str, &str)| {
        format!("{}\n{}", screen.bold(term), screen.wrap(text, INDENT))
    };
    let entries: Vec<_> = TERMS.iter().map(entry).collect();
    format!("The words that Ripcord's screens use.\n\n{}", entries.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::WIDTH;

    #[test]
    fn it_fits_a_terminal() {
        let text = glossary(Screen::new(false, None));
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert!(text.contains("watermark\n    "), "{text}");
    }
}
