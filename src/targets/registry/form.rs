//! Reads the entries of a registry in any shape.
//!
//! Ripcord's own form is one of the shapes; it alone keeps more about a version in its entry.

use super::entry::{Entry, EntryAt, check_object, hash_of, text_of, time_of};
use super::error::DocumentError;
use super::json::{Address, LiteralJson, on_line};
use crate::config::{MarkedBy, Place, ProductionMark, RegistryForm};
use crate::model::{ModelId, NameError, PathStep, VersionId};

/// Ripcord's own form: entries of these fields in a list at this place.
pub(super) fn own(entries: Vec<PathStep>) -> RegistryForm {
    RegistryForm {
        entries: Some(entries),
        name: Some(Place::field("name")),
        default_name: None,
        version: Place::field("version"),
        marks: vec![is_production()],
        created_at: Some(Place::field("created_at")),
        path: Some(Place::field("model_path")),
        sha256: Some(Place::field("sha256")),
    }
}

/// The mark of Ripcord's own form.
pub(super) fn is_production() -> ProductionMark {
    let (at, by) = (Place::field("is_production"), MarkedBy::Value(true.into()));
    ProductionMark { at, by, former: None }
}

/// A document and the shape to read it in.
#[derive(Clone, Copy)]
pub(super) struct Shaped<'a> {
    pub(super) root: &'a LiteralJson,
    pub(super) form: &'a RegistryForm,
}

/// Follows steps; a `*` leads to what has the members.
fn walk(root: &LiteralJson, from: &[usize], steps: &[PathStep]) -> Option<Address> {
    let mut address = from.to_vec();
    for step in steps {
        let json = root.at(&address)?;
        address.push(match step {
            PathStep::Member(name) => json.position(name)?,
            PathStep::Where(field, text) => (0..json.len()).find(|index| {
                let value = json.at(&[*index]).and_then(|item| item.get(field));
                value.and_then(LiteralJson::word).is_some_and(|word| word == text)
            })?,
            PathStep::Star => return Some(address),
        });
    }
    Some(address)
}

impl<'a> Shaped<'a> {
    /// All entries in their order.
    pub(super) fn entries(self) -> Result<Vec<Entry>, DocumentError> {
        self.places()?.into_iter().map(|at| self.entry(at)).collect()
    }

    fn places(self) -> Result<Vec<EntryAt>, DocumentError> {
        let Some(steps) = &self.form.entries else { return Ok(vec![EntryAt::default()]) };
        let missing = || DocumentError::Missing {
            at: steps.iter().map(ToString::to_string).collect::<Vec<_>>().join("."),
            fix: "write a list of entries".to_owned(),
        };
        let mut holders = Vec::new();
        match steps.iter().position(|step| *step == PathStep::Star) {
            None => holders.push((walk(self.root, &[], steps).ok_or_else(missing)?, None)),
            Some(star) => {
                let below = steps.get(star + 1..).unwrap_or_default();
                for group in self.groups() {
                    let holder = walk(self.root, &group, below);
                    holders.extend(holder.map(|holder| (holder, Some(group))));
                }
                if holders.is_empty() {
                    return Err(missing());
                }
            }
        }
        let mut found = Vec::new();
        for (holder, group) in holders {
            let json = self.root.at(&holder).unwrap_or(&LiteralJson::Null);
            if !matches!(json, LiteralJson::List(_) | LiteralJson::Object(_)) {
                return Err(self.wrong(&holder, "write a list of entries"));
            }
            found.extend((0..json.len()).map(|index| EntryAt {
                entry: [holder.as_slice(), &[index]].concat(),
                group: group.clone(),
            }));
        }
        Ok(found)
    }

    /// The members in the place of the `*` of the entries' place.
    pub(super) fn groups(self) -> Vec<Address> {
        let steps = self.form.entries.as_deref().unwrap_or_default();
        let above = steps.contains(&PathStep::Star).then(|| walk(self.root, &[], steps)).flatten();
        let member = |above: &Address, index| [above.as_slice(), &[index]].concat();
        above
            .iter()
            .flat_map(|at| {
                let members = 0..self.root.at(at).map_or(0, LiteralJson::len);
                members.map(move |index| member(at, index))
            })
            .collect()
    }

    fn entry(self, at: EntryAt) -> Result<Entry, DocumentError> {
        let json = self.root.at(&at.entry).unwrap_or(&LiteralJson::Null);
        check_object(json, &self.shown(&at.entry), "write an object with name and version")?;
        let form = self.form;
        let model = match (&form.name, &form.default_name) {
            (Some(place), default) => match (self.name(place, &at, ModelId::new)?, default) {
                (Some(name), _) => name,
                (None, Some(default)) => default.clone(),
                (None, None) => return Err(self.missing(place, &at, "write which model it is")),
            },
            (None, Some(default)) => default.clone(),
            (None, None) => return Err(self.missing(&Place::field("name"), &at, NO_NAME)),
        };
        let version = self.name(&form.version, &at, VersionId::new)?;
        let version =
            version.ok_or_else(|| self.missing(&form.version, &at, "write which version it is"))?;
        let production = form.marks.first().map_or(Ok(true), |mark| self.marked(mark, &at))?;
        let read = |place: &Option<Place>| {
            let address = self.find(place.as_ref()?, &at)?;
            let json = self.root.at(&address).filter(|json| **json != LiteralJson::Null)?;
            Some((json, self.shown(&address)))
        };
        let path = read(&form.path).map(|(json, at)| text_of(json, &at).map(str::to_owned));
        let sha256 = read(&form.sha256).map(|(json, at)| hash_of(json, &at));
        let created_at = read(&form.created_at).map(|(json, at)| time_of(json, &at));
        Ok(Entry {
            path: path.transpose()?,
            sha256: sha256.transpose()?.flatten(),
            created_at: created_at.transpose()?,
            model,
            version,
            production,
            archived: false,
            proven_good: false,
            baselines: std::collections::BTreeMap::default(),
            at,
        })
    }

    /// The address of a place, for an entry.
    pub(super) fn find(self, place: &Place, at: &EntryAt) -> Option<Address> {
        match place {
            Place::Entry(steps) => walk(self.root, &at.entry, steps),
            Place::Document(steps) => match steps.iter().position(|step| *step == PathStep::Star) {
                Some(star) => walk(self.root, at.group.as_ref()?, steps.get(star + 1..)?),
                None => walk(self.root, &[], steps),
            },
            Place::Key => Some(at.entry.clone()),
            Place::Group => at.group.clone(),
        }
    }

    /// A text or whole number in a place, or the key.
    pub(super) fn word(
        self,
        place: &Place,
        at: &EntryAt,
    ) -> Result<Option<&'a str>, DocumentError> {
        let Some(address) = self.find(place, at) else { return Ok(None) };
        if matches!(place, Place::Key | Place::Group) {
            let key = self.root.key(&address);
            return key.map(Some).ok_or_else(|| self.wrong(&address, NO_KEY));
        }
        let Some(json) = self.root.at(&address).filter(|json| **json != LiteralJson::Null) else {
            return Ok(None);
        };
        match json.word() {
            Some(word) => Ok(Some(word)),
            None => text_of(json, &self.shown(&address)).map(Some),
        }
    }

    fn name<T>(
        self,
        place: &Place,
        at: &EntryAt,
        new: fn(&str) -> Result<T, NameError>,
    ) -> Result<Option<T>, DocumentError> {
        let name = self.word(place, at)?.map(new).transpose();
        name.map_err(|source| {
            let address = self.find(place, at).unwrap_or_default();
            DocumentError::Name { at: self.shown(&address), source }
        })
    }

    fn missing(self, place: &Place, at: &EntryAt, fix: &str) -> DocumentError {
        let mut name = match place {
            Place::Entry(_) | Place::Key | Place::Group => self.root.name(&at.entry),
            Place::Document(_) => String::new(),
        };
        let steps = place.to_string();
        for step in steps.split('/').skip(1) {
            name.push_str(if name.is_empty() { "" } else { "." });
            name.push_str(step);
        }
        let at = on_line(&name, self.root.line(&at.entry));
        DocumentError::Missing { at, fix: fix.to_owned() }
    }

    pub(super) fn wrong(self, address: &[usize], fix: impl Into<String>) -> DocumentError {
        let found = self.root.at(address).map_or_else(String::new, ToString::to_string);
        DocumentError::Wrong { at: self.shown(address), found, fix: fix.into() }
    }

    /// The place for an error.
    pub(super) fn shown(self, address: &[usize]) -> String {
        on_line(&self.root.name(address), self.root.line(address))
    }

    pub(super) fn unsaid(self, place: &Place, at: &EntryAt) -> DocumentError {
        self.missing(place, at, "write null if no version is in production")
    }
}

const NO_KEY: &str = "it is in a list, so it has no key; name a field in the shape";
const NO_NAME: &str = "set default_name in [workers.registry.shape] to the name of the model";
