//! The part of a text that a pattern names.

use crate::model::Piece;

/// The value in a text, if the text has the pieces one after the other. The first text may stand
/// anywhere. Where nothing follows, the value goes up to the next `/` or the end.
pub(super) fn part<'a>(text: &'a str, pieces: &[Piece]) -> Option<&'a str> {
    let (mut rest, mut value) = (text, None);
    let mut pieces = pieces.iter().peekable();
    if let Some(Piece::Text(first)) = pieces.peek() {
        rest = rest.split_once(first.as_str())?.1;
        pieces.next();
    }
    while let Some(piece) = pieces.next() {
        let (found, after) = match (piece, pieces.peek()) {
            (Piece::Text(text), _) => {
                rest = rest.strip_prefix(text.as_str())?;
                continue;
            }
            (Piece::Any | Piece::Value, Some(Piece::Text(end))) => {
                let at = rest.find(end.as_str())?;
                rest.split_at(at)
            }
            (Piece::Any | Piece::Value, Some(Piece::Any | Piece::Value)) => return None,
            (Piece::Any | Piece::Value, None) => {
                rest.split_at(rest.find('/').unwrap_or(rest.len()))
            }
        };
        if *piece == Piece::Value {
            value = Some(found);
        }
        rest = after;
    }
    value.filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::place;
    use crate::model::TextEncoding;

    fn told<'a>(pattern: &str, text: &'a str) -> Option<&'a str> {
        let place = place(&format!("/a|part:{pattern}")).unwrap();
        let TextEncoding::Part(pieces) = &place.views[0].of else { panic!("{place:?}") };
        part(text, pieces)
    }

    #[test]
    fn what_stands_between_two_texts() {
        let access = "POST /predict 200 12.3ms";
        for (pattern, text, meant) in [
            ("/deployments/{}", "/e/churn/deployments/blue", Some("blue")),
            ("/onlineEndpoints/{}", "/x/onlineEndpoints/e/deployments/d", Some("e")),
            ("/deployments/{}", "/e/churn", None),
            ("{_} {_} {}", access, Some("200 12.3ms")),
            ("{_} {_} {} ", access, Some("200")),
            ("{_} {_} {_} {}ms", access, Some("12.3")),
            ("{_} {_} {_} {}ms", "nothing like it", None),
            (":{}", "reg/churn:v7", Some("v7")),
        ] {
            assert_eq!(told(pattern, text), meant, "{pattern} in {text}");
        }
    }
}
