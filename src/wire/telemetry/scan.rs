//! Where the values of a JSON text are, without reading them.
//!
//! Law: a value that nobody asks for decides nothing. Of it only the structure counts: quotes,
//! backslashes and brackets. So half a surrogate pair, NaN, 1e400, a repeated key or bytes that are
//! no UTF-8 in a field that is not read reject nothing. Nothing recurses, and every byte is looked
//! at once.

use super::cursor::{Broken, CUT, Cursor, RawValue, Text};

/// The one value of a text.
pub(super) fn whole(bytes: &[u8]) -> Result<RawValue<'_>, Broken> {
    let mut cursor = Cursor::new(bytes, 0);
    let value = cursor.value()?;
    cursor.end().map(|()| value)
}

/// The members of an object, in order.
pub(super) struct Members<'a>(Items<'a>);

/// The elements of an array, in order.
pub(super) struct Elements<'a>(Items<'a>);

#[derive(Debug)]
struct Items<'a> {
    cursor: Cursor<'a>,
    first: bool,
    done: bool,
}

/// The members of an object whose text is `bytes`.
pub(super) fn members(bytes: &[u8]) -> Members<'_> {
    Members::from(Cursor::new(bytes, 0))
}

/// The elements of an array whose text is `bytes`.
pub(super) fn elements(bytes: &[u8]) -> Elements<'_> {
    Elements(Items { cursor: Cursor::new(bytes, 1), first: true, done: false })
}

impl<'a> Items<'a> {
    /// Goes to the next item; false at the closing bracket.
    #[inline(always)]
    fn advance(&mut self, close: u8) -> Result<bool, Broken> {
        self.cursor.blank();
        let first = std::mem::take(&mut self.first);
        match self.cursor.peek() {
            Some(byte) if byte == close => {
                self.done = true;
                Ok(false)
            }
            Some(b',') if !first => {
                self.cursor.at += 1;
                self.cursor.blank();
                Ok(true)
            }
            Some(_) if first => Ok(true),
            Some(_) => Err(self.cursor.broken("a comma or a closing bracket is missing")),
            None => Err(self.cursor.broken(CUT)),
        }
    }

    #[inline(always)]
    fn next<T>(
        &mut self,
        close: u8,
        read: impl FnOnce(&mut Cursor<'a>) -> Result<T, Broken>,
    ) -> Option<Result<T, Broken>> {
        if self.done {
            return None;
        }
        let found = match self.advance(close) {
            Ok(false) => return None,
            Ok(true) => read(&mut self.cursor),
            Err(broken) => Err(broken),
        };
        self.done = found.is_err();
        Some(found)
    }
}

impl<'a> Members<'a> {
    /// The members of the object that begins here.
    #[inline]
    pub(super) fn from(mut cursor: Cursor<'a>) -> Self {
        cursor.at += 1;
        Self(Items { cursor, first: true, done: false })
    }

    /// The next key, if there is one; its value is [`Members::place`]'s.
    #[inline(always)]
    pub(super) fn key(&mut self) -> Option<Result<Text<'a>, Broken>> {
        self.0.next(b'}', |cursor| {
            if cursor.peek() != Some(b'"') {
                return Err(cursor.broken("a key in quotes is missing"));
            }
            let key = cursor.text()?;
            cursor.blank();
            match cursor.peek() {
                Some(b':') => cursor.at += 1,
                Some(_) => return Err(cursor.broken("a colon is missing after a key")),
                None => return Err(cursor.broken(CUT)),
            }
            Ok(key)
        })
    }

    /// After a key, where its value is to be taken.
    #[inline]
    pub(super) const fn place(&mut self) -> &mut Cursor<'a> {
        &mut self.0.cursor
    }

    /// What follows the object, once its last member was taken.
    #[inline]
    pub(super) fn rest(mut self) -> Cursor<'a> {
        self.0.cursor.at += 1;
        self.0.cursor
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = Result<(Text<'a>, RawValue<'a>), Broken>;

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        let member = self.key()?.and_then(|key| Ok((key, self.place().value()?)));
        self.0.done = member.is_err();
        Some(member)
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Result<RawValue<'a>, Broken>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next(b']', Cursor::value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(text: &str) -> Result<Vec<(String, String)>, Broken> {
        let RawValue::Object(object) = whole(text.as_bytes())? else { panic!("{text}") };
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        members(object)
            .map(|member| {
                let (key, value) = member?;
                Ok((said(key.bytes()), said(value.bytes())))
            })
            .collect()
    }

    #[test]
    fn members_are_found_whatever_they_hold() {
        let text =
            r#" {"a" : 1 ,"b\"":"x\\" , "c":[1,"]",{"d":"}"}], "d":{"e":[]},"f":NaN,"g":"" } "#;
        let expected = [
            ("a", "1"),
            ("b\\\"", "x\\\\"),
            ("c", r#"[1,"]",{"d":"}"}]"#),
            ("d", r#"{"e":[]}"#),
            ("f", "NaN"),
            ("g", ""),
        ];
        let found = all(text).unwrap();
        let found: Vec<_> = found.iter().map(|(key, value)| (&**key, &**value)).collect();
        assert_eq!(found, expected);
        assert_eq!(all("{}").unwrap(), []);
    }

    #[test]
    fn what_is_broken_is_said_with_its_place() {
        for (text, at, what) in [
            ("", 0, CUT),
            ("{", 1, CUT),
            (r#"{"a""#, 4, CUT),
            (r#"{"a"}"#, 4, "a colon is missing after a key"),
            (r#"{"a":}"#, 5, "a value is missing"),
            (r#"{"a":1"#, 6, CUT),
            (r#"{"a":1 "b":2}"#, 7, "a comma or a closing bracket is missing"),
            (r#"{"a":1,}"#, 7, "a key in quotes is missing"),
            (r#"{a:1}"#, 1, "a key in quotes is missing"),
            (r#"{"a":[1}]"#, 7, "brackets do not match"),
            (r#"{"a":"x\"#, 8, CUT),
            ("{} {}", 3, "something follows the value; write one per record"),
        ] {
            let whole = all(text);
            assert_eq!(whole, Err(Broken { at: whole.clone().unwrap_err().at, what }), "{text}");
            assert_eq!(whole.unwrap_err().at.min(text.len()), at, "{text}");
        }
    }

    #[test]
    fn depth_costs_nothing_but_its_bytes() {
        let deep = 1_000_000;
        let text = format!("{{\"a\":{}{},\"b\":1}}", "[".repeat(deep), "]".repeat(deep));
        assert_eq!(all(&text).unwrap().len(), 2);
    }

    proptest! {
        #[test]
        fn no_bytes_panic_and_every_object_of_serde_is_taken_apart_alike(text in ".{0,80}") {
            if let Ok(RawValue::Object(object)) = whole(text.as_bytes()) {
                members(object).for_each(drop);
            }
            let json = serde_json::json!({"a": text, "b": [text, {"c": text}], text: 1});
            let text = json.to_string();
            let found: serde_json::Map<_, _> = all(&text)
                .unwrap()
                .into_iter()
                .map(|(key, value)| {
                    let key: String = serde_json::from_str(&format!("\"{key}\"")).unwrap();
                    let value = serde_json::from_str(&value)
                        .or_else(|_| serde_json::from_str(&format!("\"{value}\"")));
                    (key, value.unwrap())
                })
                .collect();
            prop_assert_eq!(found.len(), json.as_object().unwrap().len());
        }
    }
}
