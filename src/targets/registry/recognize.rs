//! Guesses the shape of a registry that is not in Ripcord's own form, and proposes it.
//!
//! Law: nobody acts on a guess. A worker needs the shape in its config; only a replay, which
//! changes nothing, may read a document in a shape that was recognized for certain.

use super::document::{Document, side_of};
use super::entry::time_of;
use super::error::DocumentError;
use super::form::Shaped;
use super::json::{JsonText, LiteralJson};
use super::lookalike::production;
use super::proposal::{Proposal, placeholder};
use crate::config::{Place, RegistryForm, RegistryShape};
use crate::edge::chain::chain;
use crate::model::PathStep;

/// The error for a document that is not in Ripcord's own form for the reason given: with a proposal
/// if it looks like a registry.
pub(super) fn recognize(root: &LiteralJson, why: DocumentError) -> DocumentError {
    let Some(mut form) = form(root) else { return why };
    let named = form.name.is_some();
    if !named {
        form.default_name = placeholder();
    }
    let Ok(entries) = (Shaped { root, form: &form }).entries() else { return why };
    let mut looks = production(root, &mut form, &entries);
    if let Some(looks) = &mut looks {
        looks.certain &= !entries.is_empty();
    }
    // A name alone makes no registry.
    if form.marks.is_empty() && form.version == Place::field("name") {
        return why;
    }
    if looks.is_none() {
        let mut items = entries.iter().filter_map(|entry| root.at(&entry.at.entry));
        if items.any(|item| item.has("is_production")) {
            return why;
        }
        form.marks = vec![super::form::is_production()];
    }
    let newest = looks.as_ref().is_some_and(|looks| looks.several);
    let mut shape = RegistryShape { form: Some(form), newest };
    let parse = |shape: &RegistryShape| {
        let (main, form) = (JsonText::new(root.clone()), shape.form.clone());
        let Some(form) = form else { return Ok(()) };
        let document = Document::read(main, Some(side_of(None)?), false, form, shape.newest)?;
        document.entries.iter().try_for_each(|entry| document.production(&entry.model).map(drop))
    };
    let mut problem = parse(&shape).err();
    if matches!(problem, Some(DocumentError::TwoInProduction { .. }))
        && let (Some(looks), Some(form)) = (&mut looks, &mut shape.form)
    {
        looks.certain = false;
        form.marks.iter_mut().for_each(super::lookalike::say_former);
        shape.newest = true;
        problem = parse(&shape).err();
    }
    if let Some(form) = &mut shape.form
        && !named
    {
        form.default_name = None;
    }
    let (why, still) = (chain(&why), problem.map(|problem| chain(&problem)));
    DocumentError::OtherForm(Box::new(Proposal { why, shape, looks, still }))
}

/// Names of the version, the most telling first.
const VERSIONS: [&str; 9] = [
    "version",
    "model_version",
    "version_id",
    "versionId",
    "ModelPackageVersion",
    "current_version",
    "model_id",
    "artifact_dir",
    "name",
];

const NAMES: [&str; 5] = ["name", "model_name", "ModelPackageGroupName", "displayName", "model"];

const TIMES: [&str; 9] = [
    "created_at",
    "creation_timestamp",
    "CreationTime",
    "createTime",
    "timestamp",
    "trained_at",
    "training_timestamp",
    "registered_at",
    "updated_at",
];

/// Names of what holds the versions of one model.
const HOLDERS: [&str; 4] = ["versions", "latest_versions", "model_versions", "history"];

/// Where the entries are and what identifies them. Production is left open.
fn form(root: &LiteralJson) -> Option<RegistryForm> {
    let (entries, items) = entries(root)?;
    let known = |name: &&&str| items.iter().any(|item| item.get(name).is_some());
    let all = |name: &str| items.iter().all(|i| i.get(name).is_some_and(|j| j.word().is_some()));
    let field = VERSIONS.iter().find(known).copied();
    let version = match field {
        Some(name) if all(name) => Place::field(name),
        None if items.is_empty() => Place::field("version"),
        None if entries.is_some() && !matches!(root, LiteralJson::List(_)) => Place::Key,
        Some(_) | None => return None,
    };
    let group = entries.as_ref().is_some_and(|steps| steps.contains(&PathStep::Star));
    let name = NAMES.iter().filter(|name| Some(**name) != field).find(known);
    let name = match name {
        Some(name) if all(name) => Some(Place::field(name)),
        Some(_) => return None,
        None => group.then_some(Place::Group),
    };
    let is_time = |name: &&&str| {
        let mut times = items.iter().filter_map(|item| item.get(name)).peekable();
        times.peek().is_some() && times.all(|time| time_of(time, name).is_ok())
    };
    let created_at = TIMES.iter().find(is_time).filter(|_| entries.is_some());
    let created_at = created_at.map(|name| Place::field(name));
    let (default_name, marks, path, sha256) = (None, Vec::new(), None, None);
    Some(RegistryForm { entries, name, default_name, version, marks, created_at, path, sha256 })
}

/// The place of the entries, `None` for a document that is the only one, and the entries.
fn entries(root: &LiteralJson) -> Option<(Option<Vec<PathStep>>, Vec<&LiteralJson>)> {
    let member = |name: &str| vec![PathStep::Member(name.to_owned())];
    if matches!(root, LiteralJson::List(_)) {
        return objects(root).map(|items| (Some(Vec::new()), items));
    }
    let fields = || {
        let LiteralJson::Object(object) = root else { return Vec::new() };
        object.fields().filter_map(|(name, json)| Some((name?, json))).collect()
    };
    let is_list = |json: &LiteralJson| matches!(json, LiteralJson::List(_));
    let lists = fields().into_iter().filter(|(_, json)| is_list(json));
    let mut lists = lists.filter_map(|(name, json)| Some((Some(member(name)), objects(json)?)));
    if let Some(found) = lists.next() {
        return Some(found);
    }
    let inside = fields().into_iter().map(|(name, json)| (member(name), json));
    let places: Vec<_> = std::iter::once((Vec::new(), root)).chain(inside).collect();
    for (place, json) in &places {
        let groups = objects(json).filter(|_| !is_list(json)).unwrap_or_default();
        let held = |holder: &&str| groups.iter().all(|group| group.get(holder).is_some());
        if let Some(holder) = HOLDERS.into_iter().find(held).filter(|_| !groups.is_empty()) {
            let held = groups.iter().filter_map(|group| objects(group.get(holder)?));
            let steps = [place.as_slice(), &[PathStep::Star], &member(holder)].concat();
            return Some((Some(steps), held.flatten().collect()));
        }
    }
    for (place, json) in places {
        let items = objects(json).filter(|_| !is_list(json)).unwrap_or_default();
        let one = |item: &&LiteralJson| {
            let names = VERSIONS.iter().chain(&super::lookalike::WORDS);
            names.into_iter().any(|name| item.get(name).is_some_and(|json| json.word().is_some()))
        };
        if !items.is_empty() && items.iter().all(one) {
            return Some((Some(place), items));
        }
    }
    let single = VERSIONS.iter().any(|name| root.get(name).is_some_and(|j| j.word().is_some()));
    single.then(|| (None, vec![root]))
}

/// The members, if there are any and all are objects.
fn objects(json: &LiteralJson) -> Option<Vec<&LiteralJson>> {
    let (LiteralJson::List(members) | LiteralJson::Object(members)) = json else { return None };
    let members: Vec<_> = members.values().collect();
    let fit = members.iter().all(|member| matches!(member, LiteralJson::Object(_)));
    (fit && !members.is_empty()).then_some(members)
}
