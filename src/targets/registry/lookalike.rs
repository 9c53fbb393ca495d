//! Finds what in a document says, or may say, which version is in production.
//!
//! The order: a pointer, a flag, a word such as "production", an alias, a word that is no
//! production word ("APPROVED"), an only entry.

use serde_json::Value as Json;

use super::entry::{Entry, EntryAt};
use super::form::Shaped;
use super::json::{Address, LiteralJson};
use super::proposal::Looks;
use crate::config::{MarkedBy, Place, ProductionMark, RegistryForm};
use crate::model::PathStep;

const POINTERS: [&str; 13] = [
    "active",
    "production",
    "current",
    "latest",
    "champion",
    "live",
    "active_version",
    "current_version",
    "production_version",
    "latest_version",
    "active_model",
    "current_model",
    "production_model",
];

const FLAGS: [&str; 12] = [
    "is_champion",
    "is_production",
    "is_prod",
    "is_active",
    "is_live",
    "is_current",
    "is_default",
    "in_production",
    "champion",
    "production",
    "active",
    "live",
];

/// Names of the fields that hold a stage.
pub(super) const WORDS: [&str; 7] =
    ["status", "stage", "current_stage", "state", "ModelApprovalStatus", "environment", "env"];

const LISTS: [&str; 4] = ["aliases", "versionAliases", "tags", "labels"];

const PRODUCTION: [&str; 5] = ["production", "prod", "live", "champion", "active"];
const MAYBE: [&str; 5] = ["approved", "released", "deployed", "serving", "default"];
const RETIRED: [&str; 7] =
    ["archived", "retired", "deprecated", "inactive", "withdrawn", "rejected", "previous"];

fn one_of(words: &[&str], json: &LiteralJson) -> bool {
    let LiteralJson::Text(text) = json else { return false };
    text.text().is_some_and(|text| words.contains(&text.to_lowercase().as_str()))
}

/// Adds the marks of production to the form, and says what they are.
pub(super) fn production(
    root: &LiteralJson,
    form: &mut RegistryForm,
    entries: &[Entry],
) -> Option<Looks> {
    let items: Vec<_> = entries.iter().filter_map(|entry| root.at(&entry.at.entry)).collect();
    let listed = form.entries.is_some();
    let (marks, what, certain) = if let Some((mark, name)) = pointer(root, form, entries) {
        (vec![mark], name, true)
    } else if let Some((mark, name)) = flag(&items) {
        (vec![mark], name, true)
    } else if let Some((mark, name)) = word(&items, &PRODUCTION) {
        let alias = item(&items).map(|(mark, _)| mark).filter(|alias| {
            let shaped = Shaped { root, form };
            let marked = |mark: &ProductionMark, entry: &Entry| shaped.marked(mark, &entry.at).ok();
            entries.iter().all(|entry| marked(&mark, entry) == marked(alias, entry))
        });
        ([mark].into_iter().chain(alias).collect(), name, true)
    } else if let Some((mark, name)) = item(&items) {
        (vec![mark], name, true)
    } else if let Some((mark, what)) = word(&items, &MAYBE) {
        form.marks = vec![mark];
        return Some(Looks { what, certain: false, several: true });
    } else if let Some(name) =
        WORDS.iter().find(|name| listed && items.iter().any(|item| item.get(name).is_some()))
    {
        (vec![value(name, "production".into(), &items)], (*name).to_owned(), false)
    } else if items.len() == 1 && !FLAGS.iter().any(|name| items.iter().any(|i| i.has(name))) {
        (Vec::new(), "its only entry".to_owned(), true)
    } else {
        return None;
    };
    form.marks = marks;
    Some(Looks { what, certain, several: false })
}

/// A field of the document, or of each group, that names an entry.
fn pointer(
    root: &LiteralJson,
    form: &RegistryForm,
    entries: &[Entry],
) -> Option<(ProductionMark, String)> {
    let steps = form.entries.as_ref()?;
    let star = steps.iter().position(|step| *step == PathStep::Star);
    let shaped = Shaped { root, form };
    let mut tops = vec![Vec::new()];
    tops.extend(star.and_then(|star| Some(steps.get(..=star)?.to_vec())));
    for top in tops {
        let fields = POINTERS.iter().map(|name| vec![PathStep::Member((*name).to_owned())]);
        let aliases = PRODUCTION.iter().map(|alias| {
            let (field, text) = ("alias".to_owned(), (*alias).to_owned());
            let [aliases, version] = ["aliases", "version"].map(|n| PathStep::Member(n.to_owned()));
            vec![aliases, PathStep::Where(field, text), version]
        });
        for below in fields.chain(aliases) {
            let at = Place::Document([top.as_slice(), &below].concat());
            let places = [Some(form.version.clone()), form.name.clone()];
            let Some(found) = found(shaped, &at) else { continue };
            let fits = |place: &Place| {
                found.is_none()
                    || entries.iter().any(|entry| {
                        let word = shaped.word(place, &entry.at).ok().flatten();
                        word.is_some() && shaped.word(&at, &entry.at).ok().flatten() == word
                    })
            };
            if let Some(held) = places.into_iter().flatten().find(fits) {
                let name = below.first().map(ToString::to_string).unwrap_or_default();
                return Some((
                    ProductionMark { at, by: MarkedBy::Holds(held), former: None },
                    name,
                ));
            }
        }
    }
    None
}

/// What the document holds in a place: `Some(None)` for null.
fn found(shaped: Shaped<'_>, at: &Place) -> Option<Option<String>> {
    let groups = shaped.groups().into_iter().map(Some);
    let mut null = false;
    for group in groups.chain([None]) {
        let of_group = EntryAt { entry: Address::new(), group };
        let Some(address) = shaped.find(at, &of_group) else { continue };
        let json = shaped.root.at(&address)?;
        if *json != LiteralJson::Null {
            return json.word().map(|word| Some(word.to_owned()));
        }
        null = true;
    }
    null.then_some(None)
}

fn flag(items: &[&LiteralJson]) -> Option<(ProductionMark, String)> {
    let wanted: [(Json, [LiteralJson; 2]); 3] = [
        (true.into(), [LiteralJson::Flag(true), LiteralJson::Flag(false)]),
        (1.into(), [LiteralJson::count(1), LiteralJson::count(0)]),
        ("true".into(), [LiteralJson::text("true"), LiteralJson::text("false")]),
    ];
    for name in FLAGS {
        let mut values = items.iter().filter_map(|item| item.get(name)).peekable();
        let Some(first) = values.peek() else { continue };
        let same = |json: &LiteralJson, other: &LiteralJson| match (json, other) {
            (LiteralJson::Text(a), LiteralJson::Text(b)) => {
                a.text().map(str::to_lowercase) == b.text().map(str::to_lowercase)
            }
            (_, _) => json == other,
        };
        let kind = wanted.iter().find(|(_, all)| all.iter().any(|one| same(first, one)));
        if let Some((yes, all)) = kind
            && values.all(|json| all.iter().any(|one| same(json, one)))
        {
            return Some((value(name, yes.clone(), items), name.to_owned()));
        }
    }
    None
}

/// A field with one of these words in an entry.
fn word(items: &[&LiteralJson], words: &[&str]) -> Option<(ProductionMark, String)> {
    WORDS.iter().find_map(|name| {
        let mut values = items.iter().filter_map(|item| item.get(name));
        let LiteralJson::Text(found) = values.find(|json| one_of(words, json))? else {
            return None;
        };
        let found = found.text()?;
        // Without a word of its own, the former version might become a canary.
        let mut mark = value(name, found.into(), items);
        say_former(&mut mark);
        Some((mark, format!("{name} ({found:?})")))
    })
}

/// A list with one of these words in an entry.
fn item(items: &[&LiteralJson]) -> Option<(ProductionMark, String)> {
    let words = [&PRODUCTION[..], &["default"]].concat();
    LISTS.iter().find_map(|name| {
        let lists = items.iter().filter_map(|item| match item.get(name) {
            Some(LiteralJson::List(list)) => Some(list),
            Some(_) | None => None,
        });
        let mut values = lists.flat_map(|list| list.values());
        let LiteralJson::Text(found) = values.find(|json| one_of(&words, json))? else {
            return None;
        };
        let found = found.text()?;
        let at = Place::Entry(vec![PathStep::Member((*name).to_owned()), PathStep::Star]);
        let mark = ProductionMark { at, by: MarkedBy::Value(found.into()), former: None };
        Some((mark, format!("{name} ({found:?})")))
    })
}

/// A mark with the word for a former version that the file uses.
fn value(name: &str, is: Json, items: &[&LiteralJson]) -> ProductionMark {
    let mut values = items.iter().filter_map(|item| item.get(name));
    let former = values.find(|json| one_of(&RETIRED, json)).and_then(LiteralJson::word);
    let at = Place::field(name);
    ProductionMark { at, by: MarkedBy::Value(is), former: former.map(Json::from) }
}

/// Gives the former version a word, in the case of the word for production.
pub(super) fn say_former(mark: &mut ProductionMark) {
    let MarkedBy::Value(Json::String(word)) = &mark.by else { return };
    if mark.former.is_some() || mark.list().is_some() {
        return;
    }
    let lower = if word.eq_ignore_ascii_case("approved") { "rejected" } else { "archived" };
    let mut chars = word.chars();
    let (first, second) = (chars.next(), chars.next());
    let upper = |c: Option<char>| c.is_some_and(char::is_uppercase);
    let former = match (upper(first), upper(second)) {
        (true, true) => lower.to_uppercase(),
        (true, false) => format!("{}{}", lower[..1].to_uppercase(), &lower[1..]),
        (false, _) => lower.to_owned(),
    };
    mark.former = Some(former.into());
}
