//! The shape of a registry file that is not in Ripcord's own form.
//!
//! Law: what the config accepts, [`RegistryShape::toml`] can write, so that a shape that was
//! recognized can be pasted.

use serde_json::Value as Json;

use super::check::Checker;
use super::place::Place;
use super::problem::Path;
use super::raw;
use crate::model::ModelId;
use crate::model::PathStep;

/// How a registry file is read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RegistryShape {
    /// Where it holds what. `None` if it is in Ripcord's own form.
    pub form: Option<RegistryForm>,
    /// Of several versions that are marked production, the newest is in production.
    pub newest: bool,
}

/// Where a registry file holds what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryForm {
    /// The list of entries, or the object whose members they are. `None` if the document is the
    /// only entry.
    pub entries: Option<Vec<PathStep>>,
    /// The model's name …
    pub name: Option<Place>,
    /// … and the name where the file has none.
    pub default_name: Option<ModelId>,
    /// The version.
    pub version: Place,
    /// What marks the production version. The first mark decides; the others must agree and are
    /// moved along. If there is none, the only version of a model is in production.
    pub marks: Vec<ProductionMark>,
    /// When the version was made.
    pub created_at: Option<Place>,
    /// Its files.
    pub path: Option<Place>,
    /// The hash of its file.
    pub sha256: Option<Place>,
}

/// What marks the production version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductionMark {
    /// Where the mark is.
    pub at: Place,
    /// How it marks.
    pub by: MarkedBy,
    /// What the former version gets.
    pub former: Option<Json>,
}

/// How a mark tells which version is in production.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MarkedBy {
    /// The entry has this text (in any case), number or flag.
    Value(Json),
    /// The document has what the production version has in this place.
    Holds(Place),
}

impl ProductionMark {
    /// The list in which the mark is an item.
    #[must_use]
    pub fn list(&self) -> Option<Place> {
        match (&self.at, self.at.steps().split_last()) {
            (Place::Entry(_), Some((PathStep::Star, list))) => Some(Place::Entry(list.to_vec())),
            (_, _) => None,
        }
    }
}

const PLACE: &str = "does not name a place; write \"./status\" for a field of the entry, \
     \"/active\" for one of the document (~ as ~0, / as ~1), \"key\" for the entry's key, or \
     \"*\" for the key in the place of the * in entries";

/// The shape that the config describes. What is refused leaves any value: it is not used.
pub(super) fn shape(check: &mut Checker<'_>, at: &Path, raw: Option<&raw::Shape>) -> RegistryShape {
    let Some(raw) = raw else { return RegistryShape::default() };
    let newest = raw.several_in_production.is_some();
    let raw::Shape { entries, name, default_name, version, created_at, path, sha256, .. } = raw;
    let texts = [entries, name, default_name, version, created_at, path, sha256];
    if texts.iter().all(|text| text.is_none()) && raw.production.is_none() {
        return RegistryShape { form: None, newest };
    }
    let listed = entries.is_some();
    let mut shape = ShapeCheck { check, at, group: None, listed, newest };
    let entries = entries.as_ref().map(|text| shape.entries(text));
    if raw.production.is_none() && raw.also_marked.is_some() {
        let why = "needs production, which decides; write the mark there";
        shape.check.refuse(&at.key("also_marked"), why);
    }
    let production_at = at.key("production");
    let mut marks: Vec<_> =
        raw.production.iter().map(|mark| shape.mark(&production_at, mark)).collect();
    for (index, mark) in raw.also_marked.iter().flatten().enumerate() {
        marks.push(shape.mark(&at.key("also_marked").key(&index.to_string()), mark));
    }
    let mut place = |key: &str, text: &Option<String>| {
        text.as_ref().map(|text| shape.place(&at.key(key), text))
    };
    let (name, version) = (place("name", name), place("version", version));
    let created_at = place("created_at", created_at);
    let (path, sha256) = (place("path", path), place("sha256", sha256));
    if version.is_none() {
        check.refuse(&at.key("version"), "is missing; say where it is, such as \"./version\"");
    }
    if name.is_none() && default_name.is_none() {
        let why = "is missing; say where the model's name is, such as \"./name\", or set \
                   default_name";
        check.refuse(&at.key("name"), why);
    }
    let default_at = at.key("default_name");
    let default_name =
        default_name.as_ref().and_then(|text| check.name(&default_at, text, ModelId::new));
    let version = version.unwrap_or(Place::Key);
    let form =
        RegistryForm { entries, name, default_name, version, marks, created_at, path, sha256 };
    RegistryShape { form: Some(form), newest }
}

struct ShapeCheck<'a, 'b> {
    check: &'a mut Checker<'b>,
    at: &'a Path,
    /// The steps of `entries` up to its `*`.
    group: Option<Vec<PathStep>>,
    listed: bool,
    newest: bool,
}

impl ShapeCheck<'_, '_> {
    fn entries(&mut self, text: &str) -> Vec<PathStep> {
        let at = self.at.key("entries");
        let Some(Place::Document(steps)) = Place::parse(text) else {
            let why = "does not name a place in the document; write \"/models\", \"/*/versions\", \
                       or \"\" if the document is the list";
            self.check.refuse(&at, why);
            return Vec::new();
        };
        let mut stars = steps.iter().enumerate().filter(|(_, step)| **step == PathStep::Star);
        if let Some((star, _)) = stars.next() {
            self.group = steps.get(..=star).map(<[PathStep]>::to_vec);
        }
        if stars.next().is_some() {
            self.check.refuse(&at, "has more than one *; one is possible");
        }
        steps
    }

    /// A place that holds one value.
    fn place(&mut self, at: &Path, text: &str) -> Place {
        let place = Place::parse(text);
        let (steps, group) = (place.iter().flat_map(Place::steps), &self.group);
        let stars = steps.filter(|step| **step == PathStep::Star).count();
        let wrong = match &place {
            None => Some(PLACE),
            Some(Place::Key) if !self.listed => Some("needs entries: the document has no key"),
            Some(Place::Group) if group.is_none() => Some("needs a * in entries"),
            Some(Place::Entry(_)) if stars > 0 => {
                Some("has a *; only a mark with is may have one, at its end")
            }
            Some(Place::Document(steps)) if stars > 0 => {
                let of_group = group.as_ref().is_some_and(|group| steps.starts_with(group));
                let why = "has a *; begin it like entries, up to its only *";
                (stars > 1 || !of_group).then_some(why)
            }
            Some(Place::Key | Place::Group | Place::Entry(_) | Place::Document(_)) => None,
        };
        if let Some(why) = wrong {
            self.check.refuse(at, why);
        }
        place.unwrap_or(Place::Key)
    }

    fn mark(&mut self, path: &Path, raw: &raw::Mark) -> ProductionMark {
        let (at, former) = (path.key("at"), raw.former.clone());
        let list = raw.at.strip_suffix("/*").filter(|at| at.starts_with("./") && raw.is.is_some());
        let mut place = self.place(&at, list.unwrap_or(&raw.at));
        let by = match (&raw.is, &raw.holds) {
            (Some(value), None) => {
                if !matches!(place, Place::Entry(_)) {
                    self.check.refuse(&at, "must begin with ./ if is is set");
                }
                MarkedBy::Value(value.clone())
            }
            (None, Some(held)) => {
                if !matches!(place, Place::Document(_)) {
                    self.check.refuse(&at, "must begin with / if holds is set");
                }
                if former.is_some() {
                    self.check.refuse(&path.key("former"), "is not possible with holds; remove it");
                }
                MarkedBy::Holds(self.place(&path.key("holds"), held))
            }
            (Some(_), Some(_)) | (None, None) => {
                let why = "needs either is, the value that marks an entry, or holds, what of the \
                           production version is there";
                self.check.refuse(path, why);
                MarkedBy::Holds(Place::Key)
            }
        };
        for (key, value) in [("is", &raw.is), ("former", &former)] {
            if value.as_ref().is_some_and(|value| value.is_array() || value.is_object()) {
                self.check.refuse(&path.key(key), "must be a text, a number, true or false");
            }
        }
        let word = matches!(&by, MarkedBy::Value(value) if !value.is_boolean());
        if self.newest && word && list.is_none() && former.is_none() {
            let why = "is missing; with several_in_production, say what the former version gets";
            self.check.refuse(&path.key("former"), why);
        }
        if let (Some(_), Place::Entry(steps)) = (list, &mut place) {
            steps.push(PathStep::Star);
        }
        ProductionMark { at: place, by, former }
    }
}

impl RegistryShape {
    /// The shape as the config writes it.
    #[must_use]
    pub fn toml(&self) -> String {
        let mut lines = vec!["[workers.registry.shape]".to_owned()];
        let mut set = |key: &str, value: Option<String>| {
            lines.extend(value.map(|value| format!("{key} = {value}")));
        };
        if let Some(form) = &self.form {
            let place = |place: &Option<Place>| place.as_ref().map(quoted);
            set("entries", form.entries.clone().map(|steps| quoted(Place::Document(steps))));
            set("name", place(&form.name));
            set("default_name", form.default_name.as_ref().map(quoted));
            set("version", Some(quoted(&form.version)));
            let mut marks = form.marks.iter().map(mark);
            set("production", marks.next());
            let also: Vec<_> = marks.collect();
            set("also_marked", (!also.is_empty()).then(|| format!("[{}]", also.join(", "))));
            set("created_at", place(&form.created_at));
            set("path", place(&form.path));
            set("sha256", place(&form.sha256));
        }
        set("several_in_production", self.newest.then(|| quoted("newest")));
        lines.join("\n")
    }
}

fn mark(mark: &ProductionMark) -> String {
    let by = match &mark.by {
        MarkedBy::Value(value) => format!("is = {value}"),
        MarkedBy::Holds(place) => format!("holds = {}", quoted(place)),
    };
    let former = mark.former.as_ref().map(|value| format!(", former = {value}"));
    format!("{{ at = {}, {by}{} }}", quoted(&mark.at), former.unwrap_or_default())
}

/// A text in TOML, which knows the escapes that JSON needs.
fn quoted(text: impl std::fmt::Display) -> String {
    Json::from(text.to_string()).to_string()
}
