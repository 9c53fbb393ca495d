//! Secrets, which no report and no log shows, and which settings hold one.

use std::collections::BTreeMap;
use std::fmt;

/// A text that no log and no report shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text so that it is not shown.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The text itself, for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What is wrong with a text that is no usual path and cannot be read.
pub(super) const NO_PATH: &str = "cannot be read. It must be the path of a file, not the secret \
     itself; put the secret into a file and write its path here, beginning with / or ./";

/// The environment variables that settings may name.
pub(super) type Environment = BTreeMap<String, String>;

/// The value of a variable. `None` if it is unset or empty.
pub(super) fn secret(environment: &Environment, variable: &str) -> Option<Secret> {
    environment.get(variable).filter(|text| !text.is_empty()).map(|text| Secret::new(text))
}

/// Whether a text can be the name of an environment variable.
pub(super) fn is_variable(text: &str) -> bool {
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    begins && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Whether a text is written as variables usually are. Any other one may be a password that
/// somebody pasted where the name of a variable belongs, so it is not shown.
pub(super) fn is_usual_variable(text: &str) -> bool {
    is_variable(text) && !text.contains(|c: char| c.is_ascii_lowercase())
}

/// Whether a text is written as the path of a file. Any other one may be a password or a key that
/// somebody pasted where a path belongs, so it is not shown.
pub(super) fn is_usual_path(text: &str) -> bool {
    let begins = ["/", "./", "../", "~/"].iter().any(|begin| text.starts_with(begin));
    begins && !text.contains(|c: char| c.is_control() || c.is_whitespace())
}

/// What is wrong with the name of a variable, without the name.
pub(super) fn wrong_variable(environment: &Environment, name: &str) -> Option<&'static str> {
    if !is_variable(name) {
        return Some(
            "must be the name of an environment variable, not the secret itself; put the secret \
             into a variable and write its name here",
        );
    }
    let set = environment.get(name).is_some_and(|text| !text.is_empty());
    (!set && !is_usual_variable(name)).then_some(
        "names a variable that is unset or empty. If this is the secret itself, put it into a \
         variable and write the variable's name here",
    )
}

/// Whether the value of a property may be a secret.
pub(super) fn is_secret(property: &str) -> bool {
    let name = property.to_lowercase();
    let says = |word| name.contains(word);
    let place = [".location", ".file", ".url"].iter().any(|end| name.ends_with(end));
    let shown = ["ssl.certificate.pem", "ssl.ca.pem"].contains(&name.as_str());
    let secret = ["password", "passphrase", "secret", "jaas", "private.key"].into_iter().any(says)
        || name.ends_with(".pem")
        || name == "sasl.oauthbearer.config";
    secret && !place && !shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_usual_name_or_path_is_shown() {
        for (text, variable, usual, path) in [
            ("KAFKA_PASSWORD", true, true, false),
            ("_X1", true, true, false),
            ("hunter2", true, false, false),
            ("1ABC", false, false, false),
            ("s3cr3t!", false, false, false),
            ("", false, false, false),
            ("/run/secrets/key", false, false, true),
            ("./key", false, false, true),
            ("key.pem", false, false, false),
            ("/pasted key", false, false, false),
            ("-----BEGIN KEY-----\nabc", false, false, false),
        ] {
            let found = (is_variable(text), is_usual_variable(text), is_usual_path(text));
            assert_eq!(found, (variable, usual, path), "{text:?}");
        }
    }

    #[test]
    fn what_may_be_a_secret() {
        for (name, hidden) in [
            ("sasl.password", true),
            ("ssl.key.password", true),
            ("ssl.keystore.password", true),
            ("ssl.key.pem", true),
            ("sasl.oauthbearer.client.secret", true),
            ("sasl.oauthbearer.config", true),
            ("sasl.oauthbearer.assertion.private.key.passphrase", true),
            ("sasl.jaas.config", true),
            ("SASL.Password", true),
            ("sasl.username", false),
            ("sasl.mechanism", false),
            ("ssl.key.location", false),
            ("ssl.ca.pem", false),
            ("ssl.certificate.pem", false),
            ("sasl.oauthbearer.token.endpoint.url", false),
            ("sasl.oauthbearer.assertion.private.key.file", false),
            ("client.id", false),
        ] {
            assert_eq!(is_secret(name), hidden, "{name}");
        }
    }
}
