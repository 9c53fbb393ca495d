//! What is to be set for a command, as the route stands.

use std::collections::BTreeMap;

use super::admin::ObservedRoute;
use crate::edge::fence::CommandAge;
use crate::model::{Command, VersionId};
use crate::router::Weight;
use crate::targets::Acted;

/// What is to be done.
pub(super) enum NextMove {
    /// Nothing more than this.
    Over(Acted),
    /// These weights are to be set; they may be those that are there.
    Set(BTreeMap<VersionId, Weight>, String),
}

/// What is to be done for a command, as the route stands.
pub(super) fn next(
    place: &str,
    seen: &ObservedRoute,
    command: &Command,
    version: &VersionId,
    instead_of: &VersionId,
) -> NextMove {
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
        CommandAge::Older => {
            let detail = format!("{place}: {}", seen.fence.too_old(command));
            return NextMove::Over(Acted::refused(detail));
        }
        CommandAge::Done if is_so => {
            let detail = format!("{model} goes to {stands} at {place}; this was done before");
            return NextMove::Over(Acted::done(detail));
        }
        CommandAge::Done => {
            return NextMove::Over(Acted::failed(format!(
                "{model} was moved from {instead_of} to {version} at {place} by this command, and \
                 has since been moved to {stands} by others; nothing was done"
            )));
        }
        CommandAge::New => {}
    }
    if !seen.versions.contains_key(version) {
        return NextMove::Over(Acted::failed(format!(
            "{place} has no backend for {version} of {model}; add it to \
             router.models.{model}.versions; nothing was done"
        )));
    }
    if is_so {
        let detail = format!("{model} goes to {stands} at {place} already");
        return NextMove::Set(seen.weights_percent.clone(), detail);
    }
    if !down.is_some() {
        return NextMove::Over(Acted::failed(format!(
            "{model} was to go from {instead_of} to {version}, but at {place} it goes to {stands}: \
             moved by others; nothing was done"
        )));
    }
    let mut weights = seen.weights_percent.clone();
    weights.insert(version.clone(), up.plus(down));
    weights.insert(instead_of.clone(), Weight::NONE);
    let detail =
        format!("{down} of {model} go to {version} at {place} and no longer to {instead_of}");
    NextMove::Set(weights, detail)
}
