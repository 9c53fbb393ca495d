//! The signature of an instruction or of rules: which bytes it covers, and the headers it is in.
//!
//! Law: it covers the bytes of the value as they are on the log, never a value that was encoded
//! again. Each field goes in with its length first, so no two records give the same bytes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::events::Header;
use crate::config::{InstructionKey, InstructionKeys, is_key_id};
use crate::model::{LogTime, Span};

/// What is signed, so that the same key cannot be made to sign something else.
const PURPOSE: &str = "ripcord instruction v1";

/// The header with the id of the key.
const KEY_ID: &str = "ripcord-key-id";
/// The header with the time of signing, in milliseconds since 1970.
const ISSUED_AT: &str = "ripcord-issued-at";
/// The header with the HMAC-SHA256, in base64.
const MAC: &str = "ripcord-mac";

/// How long after it was signed a record may reach the log, and how long before: clocks differ.
pub const VOID_AFTER: Span = Span::from_s(300);

/// What a signature covers besides the key's id and the time: the record and its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sealed<'a> {
    /// The environment.
    pub namespace: &'a str,
    /// The topic's name on the log.
    pub topic: &'a str,
    /// The partition: an order to one shard is not one to another.
    pub partition: u32,
    /// `instruction` or `rules`.
    pub kind: &'a str,
    /// The instruction's id, or the revision of the rules.
    pub id: &'a str,
    /// The value of the record.
    pub value: &'a [u8],
}

/// Why a signature does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealRefusal {
    /// No signature at all.
    #[error(
        "it is not signed; set the variable of kafka.instruction_keys_env for the process that \
         wrote it, unless somebody else wrote it"
    )]
    Unsigned,
    /// A header is missing, is there twice, or cannot be read.
    #[error(
        "its header {0} is missing, repeated or not readable; send it with `ripcord` or by HTTP"
    )]
    Malformed(&'static str),
    /// A key that this process does not have.
    #[error(
        "it is signed with key {0:?}, which this process does not have; give decide and serve the \
         same keys, and keep an old key as long as log.retention_days"
    )]
    UnknownKey(String),
    /// The signature is of another record.
    #[error(
        "its signature is wrong: it was changed or copied from elsewhere, or two processes have \
         different keys under the id {0:?}"
    )]
    Wrong(String),
    /// It reached the log too long after it was signed.
    #[error(
        "it reached the log {0} s after it was signed, and {limit} s are allowed; send it again, \
         or set the clock of the process that signed it",
        limit = VOID_AFTER.as_s()
    )]
    TooOld(i64),
    /// It was signed after it reached the log.
    #[error(
        "it was signed {0} s after it reached the log, and {limit} s are allowed; set the clock of \
         the process that signed it or those of the brokers",
        limit = VOID_AFTER.as_s()
    )]
    FromFuture(i64),
    /// The producer chose the time of the append.
    #[error(
        "the log does not stamp its records, so nobody knows how old it is; `ripcord topics check` \
         prints the command that sets message.timestamp.type=LogAppendTime"
    )]
    NotStamped,
}

impl SealRefusal {
    /// The reason as a label.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unsigned => "unsigned",
            Self::Malformed(_) => "malformed",
            Self::UnknownKey(_) => "unknown_key",
            Self::Wrong(_) => "wrong_signature",
            Self::TooOld(_) => "too_old",
            Self::FromFuture(_) => "from_future",
            Self::NotStamped => "not_stamped",
        }
    }
}

impl Sealed<'_> {
    /// The headers that sign it now; empty without a key.
    #[must_use]
    pub fn sign(&self, keys: &InstructionKeys, now: LogTime) -> Vec<Header> {
        let Some(key) = keys.signing() else { return Vec::new() };
        let issued_at = now.as_ms().to_string();
        let Some(mac) = self.mac(key, issued_at.as_bytes()) else { return Vec::new() };
        let mac = STANDARD.encode(mac.finalize().into_bytes());
        vec![
            (KEY_ID.to_owned(), key.id().as_bytes().to_vec()),
            (ISSUED_AT.to_owned(), issued_at.into_bytes()),
            (MAC.to_owned(), mac.into_bytes()),
        ]
    }

    /// When it was signed, if one of these keys signed it, for this place.
    ///
    /// # Errors
    /// No such signature.
    pub fn check(
        &self,
        keys: &InstructionKeys,
        headers: &[Header],
    ) -> Result<LogTime, SealRefusal> {
        let ours = |name: &str| [KEY_ID, ISSUED_AT, MAC].contains(&name);
        if !headers.iter().any(|(name, _)| ours(name)) {
            return Err(SealRefusal::Unsigned);
        }
        let id = text(headers, KEY_ID)?;
        if !is_key_id(id) {
            return Err(SealRefusal::Malformed(KEY_ID));
        }
        let issued_at = text(headers, ISSUED_AT)?;
        let ms = issued_at.parse().map_err(|_| SealRefusal::Malformed(ISSUED_AT))?;
        let signature = STANDARD.decode(text(headers, MAC)?);
        let signature = signature.map_err(|_| SealRefusal::Malformed(MAC))?;
        let unknown = || SealRefusal::UnknownKey(id.to_owned());
        let key = keys.get(id).ok_or_else(unknown)?;
        let mac = self.mac(key, issued_at.as_bytes()).ok_or_else(unknown)?;
        mac.verify_slice(&signature).map_err(|_| SealRefusal::Wrong(id.to_owned()))?;
        Ok(LogTime::from_ms(ms))
    }

    /// `None`: no key can be like that, since each has a length that the MAC takes.
    fn mac(&self, key: &InstructionKey, issued_at: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(key.expose()).ok()?;
        let partition = self.partition.to_string();
        for field in [
            PURPOSE.as_bytes(),
            key.id().as_bytes(),
            issued_at,
            self.namespace.as_bytes(),
            self.topic.as_bytes(),
            partition.as_bytes(),
            self.kind.as_bytes(),
            self.id.as_bytes(),
            self.value,
        ] {
            mac.update(&(field.len() as u64).to_be_bytes());
            mac.update(field);
        }
        Some(mac)
    }
}

/// Whether a record that was signed then reached the log in time. `None`: the log does not know
/// when it did.
///
/// # Errors
/// It did not.
pub fn in_time(issued: LogTime, appended: Option<LogTime>) -> Result<(), SealRefusal> {
    let appended = appended.ok_or(SealRefusal::NotStamped)?;
    let (late, early) = (appended - issued, issued - appended);
    if late > VOID_AFTER {
        return Err(SealRefusal::TooOld(late.as_ms() / 1000));
    }
    if early > VOID_AFTER {
        return Err(SealRefusal::FromFuture(early.as_ms() / 1000));
    }
    Ok(())
}

/// The one header of that name, as text.
fn text<'a>(headers: &'a [Header], name: &'static str) -> Result<&'a str, SealRefusal> {
    let mut found = headers.iter().filter(|(key, _)| key == name);
    let (Some((_, value)), None) = (found.next(), found.next()) else {
        return Err(SealRefusal::Malformed(name));
    };
    std::str::from_utf8(value).map_err(|_| SealRefusal::Malformed(name))
}

#[cfg(test)]
mod tests;
