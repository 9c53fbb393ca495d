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

/// The environment variables that settings may name.
pub(super) type Environment = BTreeMap<String, String>;

/// The value of a variable. `None` if it is unset or empty.
pub(super) fn secret(environment: &Environment, variable: &str) -> Option<Secret> {
    environment.get(variable).filter(|text| !text.is_empty()).map(|text| Secret::new(text))
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
