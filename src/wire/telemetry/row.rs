//! Rows of a table as records: each column is a field.
//!
//! Law: a table has no types. What reads as a number, true or false is one, except where a name is
//! wanted: a version 1.10 is not 1.1. An empty cell is an absent field.

use std::collections::BTreeSet;

use super::cursor::RawValue;
use super::scan::whole;
use super::value::{Quoted, Scalar};
use crate::model::{PathStep, PlaceRoot, SampleField, Source};

/// The columns of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns(Vec<Column>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Column {
    /// In quotes.
    key: Vec<u8>,
    /// Whether its cells are names.
    is_name: bool,
}

impl Columns {
    /// The columns that a table's first row names, for a source that reads it.
    ///
    /// # Errors
    /// An empty or repeated name.
    pub fn new<'a>(names: impl Iterator<Item = &'a [u8]>, source: &Source) -> Result<Self, String> {
        let (texts, mut known) = (names_of(source), BTreeSet::new());
        let names = names.zip(1..).map(|(name, nth)| {
            let Ok(text) = std::str::from_utf8(name) else {
                return Err(format!("the name of column {nth} is not UTF-8; encode the file so"));
            };
            if text.trim().is_empty() {
                return Err(format!("column {nth} has no name; name it, or remove it"));
            }
            if !known.insert(text) {
                return Err(format!("two columns are called {}; rename one", Quoted(text)));
            }
            let mut key = Vec::new();
            quote(name, &mut key);
            Ok(Column { key, is_name: texts.contains(text) })
        });
        let columns: Vec<_> = names.collect::<Result<_, _>>()?;
        match known.first() {
            Some(only) if columns.len() == 1 && only.contains([';', '\t', '|']) => {
                Err(format!("its only column is {}; separate columns by commas", Quoted(only)))
            }
            Some(_) => Ok(Self(columns)),
            None => Err("it has no column; name the columns in the first line".to_owned()),
        }
    }

    /// Writes a row as a record.
    ///
    /// # Errors
    /// It has more or fewer cells than there are columns.
    pub fn write<'a>(
        &self,
        cells: impl ExactSizeIterator<Item = &'a [u8]>,
        record: &mut Vec<u8>,
    ) -> Result<(), String> {
        let (columns, found) = (self.0.len(), cells.len());
        if columns != found {
            return Err(format!(
                "the row has {found} cells, the first line names {columns} columns; put a cell \
                 with a comma in quotes, and leave cells that have no value empty"
            ));
        }
        record.clear();
        record.push(b'{');
        for (column, cell) in self.0.iter().zip(cells).filter(|(_, cell)| !cell.is_empty()) {
            if record.len() > 1 {
                record.push(b',');
            }
            record.extend_from_slice(&column.key);
            record.push(b':');
            match !column.is_name && has_a_type(cell) {
                true => record.extend_from_slice(cell),
                false => quote(cell, record),
            }
        }
        record.push(b'}');
        Ok(())
    }
}

/// The columns whose cells are names: by their own name, and where a mapping takes one from.
fn names_of(source: &Source) -> BTreeSet<String> {
    let names = || SampleField::ALL.into_iter().filter(|field| field.is_name());
    let mappings = source.topics.iter().filter_map(|topic| topic.mapping.as_ref());
    let mapped = mappings.flat_map(|mapping| {
        let places = names().filter_map(|field| mapping.fields.get(&field));
        places.flat_map(|rule| &rule.from).filter_map(|place| match place.steps.as_slice() {
            [PathStep::Member(column)] if place.root == PlaceRoot::Record => Some(column.clone()),
            _ => None,
        })
    });
    names().map(|field| field.name().to_owned()).chain(mapped).collect()
}

/// Whether a cell reads as a number, true or false.
fn has_a_type(cell: &[u8]) -> bool {
    let Ok(word @ RawValue::Word(written)) = whole(cell) else { return false };
    let read = Scalar::of(word);
    let is_one =
        matches!(read, Scalar::Whole(_) | Scalar::Negative(_) | Scalar::Float(_) | Scalar::Bool(_));
    is_one && written.len() == cell.len()
}

/// Writes bytes as a text of JSON.
fn quote(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in bytes {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            0..0x20 => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(*byte),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::config::Config;
    use crate::model::Mapping;

    fn source(place: &str) -> Source {
        let config = Config::load(&[], &BTreeMap::new()).unwrap();
        let mut source = config.settings.sources.into_iter().next().unwrap();
        let place = crate::config::place(place).unwrap();
        let fields = [(SampleField::Version, crate::model::FieldRule::at(place))].into();
        source.topics[0].mapping = Some(Mapping { fields, ..Mapping::default() });
        source
    }

    fn columns(header: &str) -> Result<Columns, String> {
        Columns::new(header.split(',').map(str::as_bytes), &source("/model version"))
    }

    fn row(header: &str, cells: &[&str]) -> Result<String, String> {
        let mut record = Vec::new();
        let cells = cells.iter().map(|cell| cell.as_bytes());
        columns(header)?.write(cells, &mut record)?;
        Ok(String::from_utf8(record).unwrap())
    }

    #[test]
    fn cells_become_numbers_and_texts_and_empty_ones_nothing() {
        let header = "id,model version,a,b,c,d,e,f";
        let cells = ["7", "1.10", "1.10", "", "007", "true", "say \"\\\"\n", " 1"];
        let expected = [
            r#"{"id":"7","model version":"1.10","a":1.10,"c":"007","d":true,"#,
            r#""e":"say \"\\\"\u000a","f":" 1"}"#,
        ];
        assert_eq!(row(header, &cells), Ok(expected.concat()));
        assert_eq!(row("a,b", &["", ""]), Ok("{}".to_owned()));
    }

    #[test]
    fn a_table_that_cannot_be_meant_is_refused() {
        for (header, cells, part) in [
            ("a,b", &["1"][..], "the row has 1 cells, the first line names 2 columns"),
            ("a,b", &["1", "2", "3"], "the row has 3 cells"),
            ("a,,b", &[], "column 2 has no name"),
            ("a, ", &[], "column 2 has no name"),
            ("a,b,a", &[], "two columns are called"),
            ("a;b;c", &[], "separate columns by commas"),
        ] {
            let why = row(header, cells).unwrap_err();
            assert!(why.contains(part), "{header}: {why}");
        }
    }
}
