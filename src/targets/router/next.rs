//! Decides which weights to set for a command, given the current route.

use std::collections::BTreeMap;

use super::admin::ObservedRoute;
use crate::edge::fence::CommandAge;
use crate::model::{Command, VersionId};
use crate::router::Weight;
use crate::targets::Acted;

/// What to do.
pub(super) enum NextMove {
    /// Nothing; this is the result.
    Over(Acted),
    /// Set these weights; they may equal the current ones.
    Set(BTreeMap<VersionId, Weight>, String),
}

/// What to do for a command, given the current route.
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
    let now: Vec<_> = seen.weights_percent.iter().filter(|(_, weight)| weight.is_some()).collect();
    let now: Vec<_> = now.iter().map(|(version, weight)| format!("{version} {weight}")).collect();
    let now = now.join(", ");
    let is_so = up.is_some() && !down.is_some();
    match seen.fence.knows(command) {
        CommandAge::Older => {
            let detail = format!("{place}: {}", seen.fence.too_old(command));
            return NextMove::Over(Acted::refused(detail));
        }
        CommandAge::Done if is_so => {
            let detail = format!("{place} sends {model} to {now}; this command was already done");
            return NextMove::Over(Acted::done(detail));
        }
        CommandAge::Done => {
            return NextMove::Over(Acted::failed(format!(
                "this command moved {model} from {instead_of} to {version} at {place}, but others \
                 have since moved it to {now}; nothing was done"
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
        let detail = format!("{place} already sends {model} to {now}");
        return NextMove::Set(seen.weights_percent.clone(), detail);
    }
    if !down.is_some() {
        return NextMove::Over(Acted::failed(format!(
            "{model} should go from {instead_of} to {version}, but {place} sends it to {now}: \
             changed by others; nothing was done"
        )));
    }
    let mut weights = seen.weights_percent.clone();
    weights.insert(version.clone(), up.plus(down));
    weights.insert(instead_of.clone(), Weight::NONE);
    let detail =
        format!("{place} now sends {down} of {model} to {version} instead of {instead_of}");
    NextMove::Set(weights, detail)
}
