//! Access tokens: who holds each, what it allows, and the hash by which it is recognized.

use sha2::{Digest, Sha256};

use super::check::Checker;
use super::problem::Path;
use super::raw;
use super::secret::{Environment, Secret, wrong_variable};

/// The name of the single token.
const SINGLE: &str = "admin";
/// The fewest characters of a token: fewer can be guessed.
const SHORTEST: usize = 16;
/// The longest name.
const LONGEST_NAME: usize = 64;

/// What a token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessRole {
    /// Reading.
    Viewer,
    /// Reading, and all instructions.
    Operator,
    /// Everything.
    Admin,
    /// Posting telemetry, and nothing else.
    Producer,
}

impl AccessRole {
    /// As the settings write it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
            Self::Producer => "producer",
        }
    }
}

/// A token, without the token itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessToken {
    /// Who holds it.
    pub name: String,
    /// What it allows.
    pub role: AccessRole,
    /// Its SHA-256.
    pub hash: [u8; 32],
}

/// The SHA-256 of a token.
#[must_use]
pub fn token_hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// Every token of the settings.
#[derive(Debug, Default)]
pub(super) struct ConfiguredTokens {
    pub(super) all: Vec<AccessToken>,
    /// What this process shows to the router.
    pub(super) own: Option<Secret>,
}

/// The single token, and those of the list.
pub(super) fn tokens(
    check: &mut Checker<'_>,
    raw: &raw::Http,
    environment: &Environment,
) -> ConfiguredTokens {
    let at = Path::of(["http"]);
    let own = single(check, &at, raw, environment);
    let mut tokens = ConfiguredTokens::default();
    tokens.all.extend(own.as_ref().map(|token| AccessToken {
        name: SINGLE.to_owned(),
        role: AccessRole::Admin,
        hash: token_hash(token.expose()),
    }));
    tokens.own = own;
    for (nth, raw) in raw.tokens.iter().flatten().enumerate() {
        let at = at.key("tokens").key(&nth.to_string());
        let (hash, token) = hash(check, &at, raw);
        let role = match raw.role {
            raw::AccessRole::Viewer => AccessRole::Viewer,
            raw::AccessRole::Operator => AccessRole::Operator,
            raw::AccessRole::Admin => AccessRole::Admin,
            raw::AccessRole::Producer => AccessRole::Producer,
        };
        name(check, &at, &raw.name, &tokens.all);
        if let Some(hash) = hash {
            if let Some(same) = tokens.all.iter().find(|known| known.hash == hash) {
                let why = format!("is the same token as that of {}; make one for each", same.name);
                check.refuse(&at, why);
            }
            tokens.all.push(AccessToken { name: raw.name.clone(), role, hash });
        }
        if matches!(role, AccessRole::Operator | AccessRole::Admin) && tokens.own.is_none() {
            tokens.own = token;
        }
    }
    tokens
}

/// The token of the variable or of the file.
fn single(
    check: &mut Checker<'_>,
    at: &Path,
    raw: &raw::Http,
    environment: &Environment,
) -> Option<Secret> {
    let file_at = at.key("token_file");
    if let Some(why) = wrong_variable(environment, &raw.token_env) {
        check.refuse(&at.key("token_env"), why);
        return None;
    }
    let variable = environment.get(&raw.token_env);
    let place = format!("the variable {}: ", raw.token_env);
    let from_variable = variable.and_then(|text| fit(check, &at.key("token_env"), &place, text));
    let file = raw.token_file.as_ref();
    let from_file = file.and_then(|file| first_line(check, &file_at, file));
    if variable.is_some() && file.is_some() {
        let why = format!("the variable {} also holds a token; keep one of the two", raw.token_env);
        check.refuse(&file_at, why);
    }
    from_file.or(from_variable)
}

/// The hash of a listed token, and the token itself if it is in a file.
fn hash(
    check: &mut Checker<'_>,
    at: &Path,
    raw: &raw::Token,
) -> (Option<[u8; 32]>, Option<Secret>) {
    match (&raw.hash, &raw.file) {
        (Some(hash), None) => {
            let read = digest(hash).filter(|hash| *hash != token_hash(""));
            if read.is_none() {
                let why = "must be the SHA-256 of a token, 64 hexadecimal digits; `ripcord token` \
                           makes a token and prints its hash";
                check.refuse(&at.key("hash"), why);
            }
            (read, None)
        }
        (None, Some(file)) => {
            let token = first_line(check, &at.key("file"), file);
            (token.as_ref().map(|token| token_hash(token.expose())), token)
        }
        (None, None) | (Some(_), Some(_)) => {
            check.refuse(at, "needs either a hash or a file; `ripcord token` makes a token");
            (None, None)
        }
    }
}

fn name(check: &mut Checker<'_>, at: &Path, name: &str, others: &[AccessToken]) {
    let at = at.key("name");
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(fits) {
        check.refuse(&at, format!("use 1 to {LONGEST_NAME} letters, digits, ., _ and -"));
    }
    if others.iter().any(|other| other.name == name) {
        let why = format!(
            "another token has this name; choose another one ({SINGLE} is that of http.token_env \
             and http.token_file)"
        );
        check.refuse(&at, why);
    }
}

/// The token on the first line of a file.
fn first_line(check: &mut Checker<'_>, at: &Path, file: &str) -> Option<Secret> {
    let text = check.secret_file(at, file)?;
    fit(check, at, "", text.lines().next().unwrap_or_default())
}

/// A token that can be sent and not be guessed. `place`: where it is, if the setting does not say.
fn fit(check: &mut Checker<'_>, at: &Path, place: &str, text: &str) -> Option<Secret> {
    let token = text.trim();
    let why = if token.is_empty() {
        "the token is blank; `ripcord token` makes one".to_owned()
    } else if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        "the token cannot be sent in an HTTP header; use ASCII letters, digits and punctuation, \
         without spaces"
            .to_owned()
    } else if token.len() < SHORTEST {
        format!(
            "the token has fewer than {SHORTEST} characters and could be guessed; `ripcord token` \
             makes one"
        )
    } else {
        return Some(Secret::new(token));
    };
    check.refuse(at, format!("{place}{why}"));
    None
}

/// 32 bytes in hexadecimal digits.
fn digest(text: &str) -> Option<[u8; 32]> {
    let digits: Option<Vec<u32>> = text.trim().chars().map(|c| c.to_digit(16)).collect();
    let bytes = digits?;
    let bytes: Option<Vec<u8>> = bytes
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => u8::try_from(high * 16 + low).ok(),
            _ => None,
        })
        .collect();
    bytes?.try_into().ok()
}
