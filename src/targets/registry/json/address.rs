//! Where a value is in a document: for reading, for writing and for people.

use super::{JsonMember, JsonMembers, LiteralJson};

/// The member to take at each level, from the top.
pub(in crate::targets::registry) type Address = Vec<usize>;

/// A name and its line, for an error. 0 is the line of what was not read from a file.
pub(in crate::targets::registry) fn on_line(name: &str, line: usize) -> String {
    if line == 0 { name.to_owned() } else { format!("{name} (line {line})") }
}

impl LiteralJson {
    fn members(&self) -> Option<&JsonMembers> {
        match self {
            Self::List(members) | Self::Object(members) => Some(members),
            Self::Null | Self::Flag(_) | Self::Number(_) | Self::Text(_) => None,
        }
    }

    /// How many members it has; none if it is no list and no object.
    pub(in crate::targets::registry) fn len(&self) -> usize {
        self.members().map_or(0, |members| members.all.len())
    }

    /// Which member this is: a field by its name, an item by its number.
    pub(in crate::targets::registry) fn position(&self, name: &str) -> Option<usize> {
        match self {
            Self::Object(object) => object.all.iter().position(|member| member.is(name)),
            Self::List(list) => name.parse().ok().filter(|index| *index < list.all.len()),
            Self::Null | Self::Flag(_) | Self::Number(_) | Self::Text(_) => None,
        }
    }

    pub(in crate::targets::registry) fn at(&self, address: &[usize]) -> Option<&Self> {
        address.iter().try_fold(self, |json, index| {
            json.members()?.all.get(*index).map(|member| &member.value)
        })
    }

    pub(in crate::targets::registry) fn at_mut(&mut self, address: &[usize]) -> Option<&mut Self> {
        address.iter().try_fold(self, |json, index| match json {
            Self::List(members) | Self::Object(members) => {
                members.all.get_mut(*index).map(|member| &mut member.value)
            }
            Self::Null | Self::Flag(_) | Self::Number(_) | Self::Text(_) => None,
        })
    }

    fn member(&self, address: &[usize]) -> Option<&JsonMember> {
        let (last, above) = address.split_last()?;
        self.at(above)?.members()?.all.get(*last)
    }

    /// The name of the field at this place.
    pub(in crate::targets::registry) fn key(&self, address: &[usize]) -> Option<&str> {
        self.member(address)?.name()
    }

    /// The line of the value at this place.
    pub(in crate::targets::registry) fn line(&self, address: &[usize]) -> usize {
        self.member(address).map_or(0, |member| member.line)
    }

    /// The line of a field.
    pub(in crate::targets::registry) fn line_of(&self, name: &str) -> Option<usize> {
        self.position(name).map(|at| self.line(&[at]))
    }

    /// The place as people write it: `models[0].version`.
    pub(in crate::targets::registry) fn name(&self, address: &[usize]) -> String {
        let mut name = String::new();
        for (depth, index) in address.iter().enumerate() {
            let so_far = address.get(..=depth).unwrap_or_default();
            match self.member(so_far).map(|member| member.name.as_ref()) {
                Some(Some(field)) => {
                    name.push_str(if name.is_empty() { "" } else { "." });
                    name.push_str(field.text().unwrap_or(&field.written));
                }
                Some(None) | None => name.push_str(&format!("[{index}]")),
            }
        }
        name
    }
}
