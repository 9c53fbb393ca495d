//! The keys that sign instructions and rules on the log, and by which they are checked.
//!
//! Law: no report, no log and no error shows a key. Errors name a key by its number.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::check::Checker;
use super::problem::Path;
use super::secret::{Environment, Secret, wrong_variable};

/// The fewest bytes of a key: as many as the hash that it is used with.
const SHORTEST: usize = 32;
/// The longest id.
const LONGEST_ID: usize = 64;
/// What the variable holds where instructions shall not be signed any more.
const UNSIGNED: &str = "unsigned";

/// The keys of a process. The first one signs; all of them verify.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct InstructionKeys {
    keys: Arc<[InstructionKey]>,
    given_up: bool,
}

/// A key, and the id by which records name it.
#[derive(Clone, PartialEq, Eq)]
pub struct InstructionKey {
    id: String,
    bytes: Vec<u8>,
}

/// Why keys cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WrongInstructionKeys {
    /// Nothing is there.
    #[error("holds no key; `ripcord token --instruction-key ID` makes one, or unset the variable")]
    Blank,
    /// No id, or one that cannot be used.
    #[error(
        "key {0} has no valid id; write id:key, with 1 to {LONGEST_ID} letters, digits, ., _ and \
         - as the id, and commas between keys"
    )]
    Id(usize),
    /// No base64.
    #[error(
        "key {0} is not base64; write id:key as `ripcord token --instruction-key ID` prints it"
    )]
    NotBase64(usize),
    /// Too short.
    #[error(
        "key {0} has fewer than {SHORTEST} bytes and could be guessed; `ripcord token \
         --instruction-key ID` makes one"
    )]
    Short(usize),
    /// Two keys have one id.
    #[error("keys {0} and {1} have the same id; give each key an id of its own")]
    SameId(usize, usize),
    /// One key under two ids.
    #[error("keys {0} and {1} are the same key; make a new one for each id")]
    SameKey(usize, usize),
}

impl InstructionKeys {
    /// Reads `id:base64,id2:base64`, or the word that gives signatures up.
    ///
    /// # Errors
    /// Something is no key, is too short, or is there twice.
    pub fn parse(text: &str) -> Result<Self, WrongInstructionKeys> {
        let text = text.trim();
        if text == UNSIGNED {
            return Ok(Self { keys: Arc::default(), given_up: true });
        }
        if text.is_empty() {
            return Err(WrongInstructionKeys::Blank);
        }
        let mut keys: Vec<InstructionKey> = Vec::new();
        for (index, text) in text.split(',').enumerate() {
            let nth = index + 1;
            let key = InstructionKey::parse(text.trim(), nth)?;
            if let Some(same) = keys.iter().position(|other| other.id == key.id) {
                return Err(WrongInstructionKeys::SameId(same + 1, nth));
            }
            if let Some(same) = keys.iter().position(|other| other.bytes == key.bytes) {
                return Err(WrongInstructionKeys::SameKey(same + 1, nth));
            }
            keys.push(key);
        }
        Ok(Self { keys: keys.into(), given_up: false })
    }

    /// Whether there are none: nothing is signed or checked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether somebody decided that nothing is signed any more.
    #[must_use]
    pub fn given_up(&self) -> bool {
        self.given_up
    }

    /// The key that signs.
    #[must_use]
    pub fn signing(&self) -> Option<&InstructionKey> {
        self.keys.first()
    }

    /// The ids, the signing one first.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(InstructionKey::id)
    }

    /// The key of that id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&InstructionKey> {
        self.keys.iter().find(|key| key.id == id)
    }
}

impl InstructionKey {
    fn parse(text: &str, nth: usize) -> Result<Self, WrongInstructionKeys> {
        let (id, key) = text.split_once(':').ok_or(WrongInstructionKeys::Id(nth))?;
        if !is_key_id(id) {
            return Err(WrongInstructionKeys::Id(nth));
        }
        let bytes = STANDARD.decode(key).map_err(|_| WrongInstructionKeys::NotBase64(nth))?;
        if bytes.len() < SHORTEST {
            return Err(WrongInstructionKeys::Short(nth));
        }
        Ok(Self { id: id.to_owned(), bytes })
    }

    /// How records name it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The key itself, for the one place that computes with it.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.bytes
    }
}

/// Whether a text can be the id of a key.
#[must_use]
pub fn is_key_id(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=LONGEST_ID).contains(&text.len()) && text.bytes().all(fits)
}

/// A key as the variable holds it: `id:base64`.
#[must_use]
pub fn written_key(id: &str, bytes: &[u8]) -> String {
    format!("{id}:{}", STANDARD.encode(bytes))
}

impl fmt::Debug for InstructionKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter()).finish()
    }
}

impl fmt::Debug for InstructionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:…", self.id)
    }
}

/// The keys in the variable, and every text of it that must not be repeated.
pub(super) fn instruction_keys(
    check: &mut Checker<'_>,
    variable: &str,
    environment: &Environment,
) -> (InstructionKeys, Vec<Secret>) {
    let at = Path::of(["kafka", "instruction_keys_env"]);
    if let Some(why) = wrong_variable(environment, variable) {
        check.refuse(&at, why);
        return Default::default();
    }
    let Some(text) = environment.get(variable) else { return Default::default() };
    match InstructionKeys::parse(text) {
        Ok(keys) => (keys, secrets(text)),
        Err(why) => {
            check.refuse(&at, format!("the variable {variable} {}", in_variable(&why)));
            Default::default()
        }
    }
}

fn in_variable(why: &WrongInstructionKeys) -> String {
    match why {
        WrongInstructionKeys::Blank => why.to_string(),
        WrongInstructionKeys::Id(_)
        | WrongInstructionKeys::NotBase64(_)
        | WrongInstructionKeys::Short(_)
        | WrongInstructionKeys::SameId(..)
        | WrongInstructionKeys::SameKey(..) => format!("cannot be used: {why}"),
    }
}

/// Each key alone: that is how it would leak.
fn secrets(text: &str) -> Vec<Secret> {
    let keys = text.split(',').filter_map(|key| key.trim().split_once(':'));
    keys.map(|(_, key)| Secret::new(key)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(fill: u8, length: usize) -> String {
        STANDARD.encode(vec![fill; length])
    }

    #[test]
    fn the_first_signs_and_all_verify() {
        let text = format!(" new:{} , old:{}\n", key(1, 32), key(2, 64));
        let keys = InstructionKeys::parse(&text).unwrap();
        assert_eq!(keys.signing().map(InstructionKey::id), Some("new"));
        assert_eq!(keys.get("new").map(InstructionKey::expose), Some(&[1; 32][..]));
        assert_eq!(keys.get("old").map(InstructionKey::expose), Some(&[2; 64][..]));
        assert!(keys.get("other").is_none() && !keys.is_empty() && !keys.given_up());
        assert_eq!(format!("{keys:?}"), "[new:…, old:…]");
        let none = InstructionKeys::parse("unsigned").unwrap();
        assert!(none.is_empty() && none.given_up() && none.signing().is_none());
        let made = written_key("a", &[7; 32]);
        assert_eq!(InstructionKeys::parse(&made).unwrap().signing().unwrap().expose(), [7; 32]);
    }

    #[test]
    fn what_cannot_be_used_is_refused_by_its_number() {
        use WrongInstructionKeys as Wrong;
        let (good, other, short) = (key(1, 32), key(2, 32), key(3, 31));
        for (text, expected) in [
            (String::new(), Wrong::Blank),
            (" \n".to_owned(), Wrong::Blank),
            (good.clone(), Wrong::Id(1)),
            (format!(":{good}"), Wrong::Id(1)),
            (format!("a b:{good}"), Wrong::Id(1)),
            (format!("{}:{good}", "a".repeat(65)), Wrong::Id(1)),
            (format!("a:{good},"), Wrong::Id(2)),
            ("a:".to_owned(), Wrong::Short(1)),
            ("a:not/base64!".to_owned(), Wrong::NotBase64(1)),
            (format!("a:{good},b:{short}"), Wrong::Short(2)),
            (format!("a:{good},a:{other}"), Wrong::SameId(1, 2)),
            (format!("a:{good},b:{other},c:{good}"), Wrong::SameKey(1, 3)),
            ("Unsigned".to_owned(), Wrong::Id(1)),
        ] {
            let refused = InstructionKeys::parse(&text).unwrap_err();
            assert_eq!(refused, expected, "{text}");
            let said = refused.to_string();
            assert!(!said.contains(&good) && !said.contains(&short), "{said}");
        }
    }
}
