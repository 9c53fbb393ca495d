//! Secrets, which no report and no log shows, and which settings hold one.

use std::collections::{BTreeMap, BTreeSet};
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

/// What programs that Ripcord runs must not get, and what must not be repeated of their words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeptSecrets {
    /// Environment variables that hold secrets or settings of Ripcord.
    pub variables: BTreeSet<String>,
    /// The secrets, and those of others in the environment.
    pub values: Vec<Secret>,
}

/// How long the lines of a secret must be to be looked for: a shorter one is in every text.
const LEAST_BYTES: usize = 6;
/// What a variable that holds a secret has in its name.
const SECRET_WORDS: [&str; 7] =
    ["PASSWORD", "PASSPHRASE", "SECRET", "TOKEN", "API_KEY", "ACCESS_KEY", "PRIVATE_KEY"];

impl KeptSecrets {
    /// Ripcord's own `secrets`, and the variables whose names settings give (`named`).
    pub(super) fn new<'a>(
        environment: &'a Environment,
        named: impl Iterator<Item = &'a String>,
        secrets: impl Iterator<Item = &'a Secret>,
    ) -> Self {
        let own = environment.keys().filter(|name| name.starts_with("RIPCORD_"));
        let variables: BTreeSet<String> = own.chain(named).cloned().collect();
        let others = environment.iter().filter(|(name, _)| {
            let upper = name.to_uppercase();
            variables.contains(*name) && !name.starts_with("RIPCORD_")
                || SECRET_WORDS.iter().any(|word| upper.contains(word))
        });
        let texts = secrets.map(Secret::expose).chain(others.map(|(_, value)| value.as_str()));
        let lines = texts.flat_map(str::lines).map(str::trim);
        let lines: BTreeSet<&str> = lines.filter(|line| line.len() >= LEAST_BYTES).collect();
        let mut lines: Vec<&str> = lines.into_iter().collect();
        // One that contains another goes first.
        lines.sort_by_key(|line| std::cmp::Reverse(line.len()));
        Self { variables, values: lines.into_iter().map(Secret::new).collect() }
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
    fn what_programs_do_not_get_and_what_is_not_repeated() {
        let environment = [
            ("RIPCORD_TOKEN", "our-token"),
            ("RIPCORD__WORKERS__NOTICE__WEBHOOK_URL", "https://hook"),
            ("RIPCORD_LOG", "ripcord=debug"),
            ("KAFKA_PW", "kafka-word"),
            ("AWS_SECRET_ACCESS_KEY", "theirs-and-kept"),
            ("GITHUB_TOKEN", "no"),
            ("PATH", "/usr/bin"),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let named = ["KAFKA_PW".to_owned(), "UNSET".to_owned()];
        let secrets = [Secret::new("line-one\nline-two"), Secret::new("x")];
        let kept = KeptSecrets::new(&environment.into(), named.iter(), secrets.iter());
        let variables: Vec<_> = kept.variables.iter().map(String::as_str).collect();
        assert_eq!(
            variables,
            [
                "KAFKA_PW",
                "RIPCORD_LOG",
                "RIPCORD_TOKEN",
                "RIPCORD__WORKERS__NOTICE__WEBHOOK_URL",
                "UNSET"
            ]
        );
        let mut values: Vec<_> = kept.values.iter().map(Secret::expose).collect();
        values.sort_unstable();
        assert_eq!(values, ["kafka-word", "line-one", "line-two", "our-token", "theirs-and-kept"]);
    }

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
