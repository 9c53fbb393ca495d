//! Problems with settings: the key, its value, where it was set, and what is wrong.

use std::fmt;

/// The path of a setting: `rules.triggers.error-rate.limit_percent`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Path(Vec<String>);

impl Path {
    /// The path with these parts, from the top.
    pub(super) fn of<const N: usize>(parts: [&str; N]) -> Self {
        Self(parts.iter().map(|&part| part.to_owned()).collect())
    }

    /// One level down.
    pub(super) fn key(&self, part: &str) -> Self {
        let mut parts = self.0.clone();
        parts.push(part.to_owned());
        Self(parts)
    }

    /// One level up.
    pub(super) fn parent(&self) -> Self {
        Self(self.0.split_last().map(|(_, above)| above.to_vec()).unwrap_or_default())
    }

    /// The parts, from the top.
    pub(super) fn parts(&self) -> &[String] {
        &self.0
    }
}

impl FromIterator<String> for Path {
    fn from_iter<I: IntoIterator<Item = String>>(parts: I) -> Self {
        Self(parts.into_iter().collect())
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        for (i, part) in self.0.iter().enumerate() {
            let dot = if i == 0 { "" } else { "." };
            if !part.is_empty() && part.chars().all(bare) {
                write!(f, "{dot}{part}")?;
            } else {
                write!(f, "{dot}{part:?}")?;
            }
        }
        Ok(())
    }
}

/// One problem with a setting.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConfigProblem {
    /// The setting.
    pub path: Path,
    /// Its value as written in TOML. `None` if it has none or is a table.
    pub value: Option<String>,
    /// The file or environment variable that sets it, if any.
    pub origin: Option<String>,
    /// What is wrong and what to do.
    pub why: String,
}

impl fmt::Display for ConfigProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.parts().is_empty() {
            write!(f, "{}", self.path)?;
            if let Some(value) = &self.value {
                write!(f, " = {value}")?;
            }
        }
        if let Some(origin) = &self.origin {
            let space = if self.path.parts().is_empty() { "" } else { " " };
            write!(f, "{space}in {origin}")?;
        }
        write!(f, ": {}", self.why)
    }
}

/// The settings are invalid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// At least one problem, sorted by path.
    pub problems: Vec<ConfigProblem>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.as_slice() {
            [one] => write!(f, "the settings are refused: {one}"),
            many => {
                write!(f, "the settings are refused, {} problems:", many.len())?;
                many.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
            }
        }
    }
}

impl std::error::Error for ConfigError {}
