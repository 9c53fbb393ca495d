//! What is to be set for a command, as the route stands.

use std::collections::BTreeMap;

use super::admin::Seen;
use crate::edge::fence::Known;
use crate::model::{Command, VersionId};
use crate::router::Weight;
use crate::targets::Acted;

/// What is to be done.
pub(super) enum Next {
    /// Nothing more than this.
    Over(Acted),
    /// These weights are to be set; they may be those that are there.
    Set(BTreeMap<VersionId, Weight>, String),
}

/// What is to be done for a command, as the route stands.
pub(super) fn next(
    place: &str,
    seen: &Seen,
    command: &Command,
    version: &VersionId,
    instead_of: &VersionId,
) -> Next {
    let model = &command.model;
    let weight = |version| seen.weights_percent.get(version).copied().unwrap_or_default();
    let (up, down) = (weight(version), weight(instead_of));
    let stands: Vec<_> =
        seen.weights_percent.iter().filter(|(_, weight)| weight.is_some()).collect();
    let stands: Vec<_> =
        stands.iter().map(|(version, weight)| format!("{version} {weight}")).collect();
    let stands = stands.join(", ");
    let is_so = up.is_some() && !down.is_some();
    match seen.fence.knows(command) {
        Known::Older => {
            let detail = format!("{place}: {}", seen.fence.too_old(command));
            return Next::Over(Acted::refused(detail));
        }
        Known::Done if is_so => {
            let detail = format!("{model} goes to {stands} at {place}; this was done before");
            return Next::Over(Acted::done(detail));
        }
        Known::Done => {
            return Next::Over(Acted::failed(format!(
                "{model} was moved from {instead_of} to {version} at {place} by this command, and \
                 has since been moved to {stands} by others; nothing was done"
            )));
        }
        Known::New => {}
    }
    if !seen.versions.contains_key(version) {
        return Next::Over(Acted::failed(format!(
            "{place} has no backend for {version} of {model}; add it to \
             router.models.{model}.versions; nothing was done"
        )));
    }
    if is_so {
        let detail = format!("{model} goes to {stands} at {place} already");
        return Next::Set(seen.weights_percent.clone(), detail);
    }
    if !down.is_some() {
        return Next::Over(Acted::failed(format!(
            "{model} was to go from {instead_of} to {version}, but at {place} it goes to {stands}: \
             moved by others; nothing was done"
        )));
    }
    let mut weights = seen.weights_percent.clone();
    weights.insert(version.clone(), up.plus(down));
    weights.insert(instead_of.clone(), Weight::NONE);
    let detail =
        format!("{down} of {model} go to {version} at {place} and no longer to {instead_of}");
    Next::Set(weights, detail)
}
