//! What people and workers set: how much each version gets, who is mirrored, which breaker is held.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::VersionId;

/// A share of all requests, in hundredths of a percent. Written as a percentage.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(try_from = "f64", into = "f64")]
pub struct Weight(u32);

/// Hundredths of a percent in one.
const HUNDREDTHS: f64 = 100.0;

impl Weight {
    /// No request at all.
    pub const NONE: Self = Self(0);
    /// Every request.
    pub const ALL: Self = Self(10_000);

    /// A percentage with at most two decimals.
    ///
    /// # Errors
    /// Any other number.
    pub fn from_percent(percent: f64) -> Result<Self, RouteError> {
        let hundredths = percent * HUNDREDTHS;
        let whole = hundredths.round();
        let fits = (0.0..=10_000.0).contains(&whole) && (hundredths - whole).abs() < 1e-6;
        if fits { Ok(Self(whole as u32)) } else { Err(RouteError::Percent(percent)) }
    }

    /// The share in percent.
    #[must_use]
    pub fn percent(self) -> f64 {
        f64::from(self.0) / HUNDREDTHS
    }

    /// The share in hundredths of a percent.
    #[must_use]
    pub const fn hundredths(self) -> u32 {
        self.0
    }

    /// Both shares together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Whether it is any request at all.
    #[must_use]
    pub const fn is_some(self) -> bool {
        self.0 > 0
    }
}

impl TryFrom<f64> for Weight {
    type Error = RouteError;
    fn try_from(percent: f64) -> Result<Self, RouteError> {
        Self::from_percent(percent)
    }
}

impl From<Weight> for f64 {
    fn from(weight: Weight) -> Self {
        weight.percent()
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", self.percent())
    }
}

/// A breaker that is held by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Forced {
    /// Nothing goes to this version, whatever its weight.
    Open,
    /// It gets its share, whatever its health.
    Closed,
}

/// How the requests of one model are shared out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Each version's share; together 100 %. Who is not named gets nothing.
    pub weights_percent: BTreeMap<VersionId, Weight>,
    /// Versions that get a copy of what others answer.
    #[serde(default)]
    pub shadow: BTreeSet<VersionId>,
    /// Breakers held by hand.
    #[serde(default)]
    pub forced: BTreeMap<VersionId, Forced>,
}

/// Why something is no route.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RouteError {
    /// No share.
    #[error("{0} is not a weight; write a percentage from 0 to 100 with at most two decimals")]
    Percent(f64),
    /// Not everything is shared out, or too much.
    #[error("the weights add up to {0}; they must add up to 100 %")]
    Sum(Weight),
    /// A version without a backend.
    #[error("there is no version {unknown} here; the settings name {known}")]
    Unknown {
        /// Who was named.
        unknown: VersionId,
        /// Who could be.
        known: String,
    },
}

impl Route {
    /// The share of a version.
    #[must_use]
    pub fn weight(&self, version: &VersionId) -> Weight {
        self.weights_percent.get(version).copied().unwrap_or_default()
    }

    /// The version that most requests go to; of equals the first by name.
    #[must_use]
    pub fn production(&self) -> Option<&VersionId> {
        let mut most: Option<(&VersionId, Weight)> = None;
        for (version, weight) in &self.weights_percent {
            if weight.is_some() && most.is_none_or(|(_, most)| *weight > most) {
                most = Some((version, *weight));
            }
        }
        most.map(|(version, _)| version)
    }

    /// Whether it can be a route over these versions.
    ///
    /// # Errors
    /// A version that is not among them, weights that are not 100 % together.
    pub fn check(&self, versions: &[VersionId]) -> Result<(), RouteError> {
        let named = self.weights_percent.keys().chain(&self.shadow).chain(self.forced.keys());
        if let Some(unknown) = named.into_iter().find(|version| !versions.contains(version)) {
            let known: Vec<_> = versions.iter().map(VersionId::as_str).collect();
            let (unknown, known) = (unknown.clone(), known.join(", "));
            return Err(RouteError::Unknown { unknown, known });
        }
        let sum = self.weights_percent.values().fold(Weight::NONE, |sum, w| sum.plus(*w));
        if sum == Weight::ALL { Ok(()) } else { Err(RouteError::Sum(sum)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(json: &str) -> Result<Route, String> {
        serde_json::from_str(json).map_err(|why| why.to_string())
    }

    #[test]
    fn a_route_reads_as_it_writes_and_says_what_is_wrong() {
        let versions = ["v1", "v2"].map(|v| VersionId::new(v).unwrap());
        for (json, expected) in [
            (r#"{"weights_percent":{"v1":87.5,"v2":12.5}}"#, "v1"),
            (r#"{"weights_percent":{"v1":50,"v2":50}}"#, "v1"),
            (r#"{"weights_percent":{"v2":100},"shadow":["v1"],"forced":{"v1":"open"}}"#, "v2"),
            (r#"{"weights_percent":{"v1":0.01,"v2":99.99}}"#, "v2"),
            (r#"{"weights_percent":{"v1":90,"v2":9}}"#, "the weights add up to 99 %"),
            (r#"{"weights_percent":{}}"#, "the weights add up to 0 %"),
            (r#"{"weights_percent":{"v1":100,"v2":100}}"#, "the weights add up to 200 %"),
            (r#"{"weights_percent":{"v9":100}}"#, "there is no version v9 here; the settings"),
            (r#"{"weights_percent":{"v1":100},"shadow":["v3"]}"#, "there is no version v3"),
            (r#"{"weights_percent":{"v1":33.333,"v2":66.667}}"#, "33.333 is not a weight"),
            (r#"{"weights_percent":{"v1":-1,"v2":101}}"#, "-1 is not a weight"),
            (r#"{"weights_percent":{"v1":100},"forced":{"v1":"ajar"}}"#, "unknown variant `ajar`"),
            (r#"{"weights_percent":{"v1":100},"weight":1}"#, "unknown field `weight`"),
            (r#"{"weights_percent":{"":100}}"#, "the name is empty"),
        ] {
            let found = route(json).and_then(|route| {
                route.check(&versions).map_err(|why| why.to_string())?;
                let again = serde_json::to_string(&route).unwrap();
                assert_eq!(self::route(&again).as_ref(), Ok(&route));
                Ok(route.production().unwrap().to_string())
            });
            let found = found.unwrap_or_else(|why| why);
            assert!(found.starts_with(expected), "{json}: {found}");
        }
    }
}
