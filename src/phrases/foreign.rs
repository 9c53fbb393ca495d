//! Texts of others: written so that nobody is misled, and quoted so that a shell takes them as one
//! word.

use std::borrow::Cow;

use crate::model::is_hidden;

/// The text with every hidden character but the line break written out, so that it cannot make a
/// sentence say something else: `\u{202e}`.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    escaped(text, |c| c != '\n' && is_hidden(c))
}

/// The same on one line: a line break is written out, too.
#[must_use]
pub fn visible_line(text: &str) -> Cow<'_, str> {
    escaped(text, is_hidden)
}

fn escaped(text: &str, hidden: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&hidden) {
        return Cow::Borrowed(text);
    }
    let shown = |c: char| if hidden(c) { c.escape_unicode().to_string() } else { c.to_string() };
    Cow::Owned(text.chars().map(shown).collect())
}

/// The command to type next. Each word is quoted for a POSIX shell if it needs that, and none is
/// taken for an option.
#[must_use]
pub fn command(name: &str, words: &[&str], options: &[(&str, &str)]) -> String {
    let words: Vec<_> = words.iter().map(|word| shell(word)).collect();
    let options = options.iter().map(|(option, value)| match value.starts_with('-') {
        true => format!("{option}={}", shell(value)),
        false => format!("{option} {}", shell(value)),
    });
    let mut parts = vec!["ripcord".to_owned(), name.to_owned()];
    if words.iter().any(|word| word.starts_with('-')) {
        parts.extend(options);
        parts.push("--".to_owned());
        parts.extend(words.into_iter().map(Cow::into_owned));
    } else {
        parts.extend(words.into_iter().map(Cow::into_owned));
        parts.extend(options);
    }
    parts.join(" ")
}

/// A word as a POSIX shell reads it. A hidden character stays out of it, since names have none.
fn shell(word: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "%+,-./:=@_".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return Cow::Borrowed(word);
    }
    Cow::Owned(format!("'{}'", visible_line(word).replace('\'', "'\\''")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_turns_no_sentence_around() {
        assert_eq!(visible("v3 serves"), "v3 serves");
        assert_eq!(visible("v\u{202e}3"), "v\\u{202e}3");
        assert_eq!(visible("a\nb\u{1b}[31m\u{7}\u{9b}"), "a\nb\\u{1b}[31m\\u{7}\\u{9b}");
        assert_eq!(visible_line("a\r\nb\u{e0041}"), "a\\u{d}\\u{a}b\\u{e0041}");
    }

    #[test]
    fn what_is_pasted_is_one_word_and_no_option() {
        for (model, expected) in [
            ("credit-risk", "ripcord approve credit-risk"),
            ("a/b:c@1.2_x", "ripcord approve a/b:c@1.2_x"),
            ("a b", "ripcord approve 'a b'"),
            ("$(reboot)", "ripcord approve '$(reboot)'"),
            ("it's;rm -rf ~", "ripcord approve 'it'\\''s;rm -rf ~'"),
            ("a`b`\"c\"|d&e>f*g?h!i#j", "ripcord approve 'a`b`\"c\"|d&e>f*g?h!i#j'"),
            ("-all", "ripcord approve -- -all"),
            ("modèle", "ripcord approve 'modèle'"),
            ("a\nb", "ripcord approve 'a\\u{a}b'"),
        ] {
            assert_eq!(command("approve", &[model], &[]), expected);
        }
        let options = [("--to", "-2"), ("--reason", "…")];
        assert_eq!(
            command("rollback", &["m"], &options),
            "ripcord rollback m --to=-2 --reason '…'"
        );
        assert_eq!(
            command("rollback", &["-m"], &options),
            "ripcord rollback --to=-2 --reason '…' -- -m"
        );
    }

    #[test]
    fn a_shell_reads_back_what_was_quoted() {
        for word in ["it's", "a b", "$HOME `id` $(id)", "\\", "\"", "'", "''", "-n", "*", "é~#!"] {
            let script = format!("printf %s {}", shell(word));
            let told = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
            let expected = if word == "-n" { "-n" } else { word };
            assert_eq!(String::from_utf8(told.stdout).unwrap(), expected, "{script}");
        }
    }
}
