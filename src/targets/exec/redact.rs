//! Takes secrets out of what a user's program says, before people and logs see it.
//!
//! Known secrets go wherever they are. Others are recognized by the word before them, by the
//! scheme of an `Authorization` header, or as the user of a URL.

use crate::config::Secret;

/// What is shown instead.
const HIDDEN: &str = "[redacted]";
/// Words that end the name of a secret.
const NAMES: [&str; 9] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "api_key",
    "api-key",
    "access_key",
];
/// Words before a secret in a header.
const SCHEMES: [&str; 2] = ["bearer", "basic"];

/// The text without secrets.
pub(super) fn redacted(text: &str, known: &[Secret]) -> String {
    let mut text = text.to_owned();
    for secret in known.iter().map(Secret::expose).filter(|secret| !secret.is_empty()) {
        if text.contains(secret) {
            text = text.replace(secret, HIDDEN);
        }
    }
    let mut out = String::with_capacity(text.len());
    let mut before = Expected::Nothing;
    for piece in text.split_inclusive(char::is_whitespace) {
        let word = piece.trim_end();
        let (shown, next) = word_of(word, before);
        out.push_str(&shown);
        out.push_str(piece.strip_prefix(word).unwrap_or_default());
        if !word.is_empty() {
            before = next;
        }
    }
    out
}

/// What the next word is, by what was said before it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expected {
    Nothing,
    /// A secret, whatever it looks like.
    Secret,
    /// A secret, unless it is a plain word, as in "token: expired".
    Perhaps,
}

fn word_of(word: &str, expected: Expected) -> (String, Expected) {
    let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
    let scheme = SCHEMES.iter().any(|scheme| bare.eq_ignore_ascii_case(scheme));
    match expected {
        _ if scheme => return (word.to_owned(), Expected::Secret),
        Expected::Secret if ["=", ":"].contains(&word) => return (word.to_owned(), expected),
        Expected::Secret => return (HIDDEN.to_owned(), Expected::Nothing),
        Expected::Perhaps if is_odd(word) => return (HIDDEN.to_owned(), Expected::Nothing),
        Expected::Perhaps | Expected::Nothing => {}
    }
    if let Some(shown) = without_user(word) {
        return (shown, Expected::Nothing);
    }
    if let Some((name, value)) = word.split_once('=').filter(|(name, _)| is_name(name)) {
        return match value.is_empty() {
            true => (word.to_owned(), Expected::Secret),
            false => (format!("{name}={HIDDEN}"), Expected::Nothing),
        };
    }
    if let Some((name, value)) = word.split_once(':').filter(|(name, _)| is_name(name)) {
        return match value.is_empty() {
            true => (word.to_owned(), Expected::Perhaps),
            false if is_odd(value) => (format!("{name}:{HIDDEN}"), Expected::Nothing),
            false => (word.to_owned(), Expected::Nothing),
        };
    }
    let option = word.starts_with("--") && is_name(word);
    (word.to_owned(), if option { Expected::Secret } else { Expected::Nothing })
}

/// Whether a text ends with the name of a secret: `DB_PASSWORD`, `{"token"`.
fn is_name(text: &str) -> bool {
    let name = text.trim_end_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    NAMES.iter().any(|end| name.ends_with(end))
}

/// Whether it is no plain word.
fn is_odd(text: &str) -> bool {
    let bare = text.trim_matches(|c: char| c.is_ascii_punctuation());
    !bare.is_empty() && !bare.chars().all(char::is_alphabetic)
}

/// An address without its user and password; `None` if it has none.
fn without_user(word: &str) -> Option<String> {
    let (scheme, rest) = word.split_once("://")?;
    let host_ends = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(host_ends);
    let (_, host) = host.rsplit_once('@')?;
    Some(format!("{scheme}://{HIDDEN}@{host}{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_and_the_rest_stays() {
        let known = [Secret::new("s3cr3t-known")];
        for (said, shown) in [
            ("the server is down", "the server is down"),
            ("401 for s3cr3t-known, sorry", "401 for [redacted], sorry"),
            ("GET /?k=s3cr3t-known&x", "GET /?k=[redacted]&x"),
            ("Authorization: Bearer abc.def", "Authorization: Bearer [redacted]"),
            ("DB_PASSWORD=hunter2 psql failed", "DB_PASSWORD=[redacted] psql failed"),
            ("password = letmein", "password = letmein"),
            ("password= letmein", "password= [redacted]"),
            ("password: hunter2", "password: [redacted]"),
            ("invalid token: expired", "invalid token: expired"),
            ("mlflow --api-key abcdef run", "mlflow --api-key [redacted] run"),
            ("{\"token\":\"abc-1\"}", "{\"token\":[redacted]"),
            ("no route to https://me:pw@db:5432/x?y", "no route to https://[redacted]@db:5432/x?y"),
            ("see https://example.org/a@b", "see https://example.org/a@b"),
            ("  two  spaces\tstay ", "  two  spaces\tstay "),
        ] {
            assert_eq!(redacted(said, &known), shown);
        }
    }
}
