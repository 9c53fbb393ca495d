//! Names of one kind and their numbers. A number whose name has left is used again, so the table is
//! as long as the most names that it held at once.

use std::borrow::Borrow;

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Names of one kind; `under` tells apart equal names under different owners. `P`: what is known of
/// each.
#[derive(Debug)]
pub(super) struct Table<T, P> {
    index: HashTable<u32>,
    entries: Vec<Option<Entry<T, P>>>,
    free: Vec<u32>,
}

#[derive(Debug)]
struct Entry<T, P> {
    under: u32,
    name: T,
    known: P,
}

fn hash(under: u32, text: &str) -> u64 {
    xxh3_64_with_seed(text.as_bytes(), u64::from(under))
}

impl<T: Borrow<str>, P> Table<T, P> {
    pub(super) fn new() -> Self {
        Self { index: HashTable::new(), entries: Vec::new(), free: Vec::new() }
    }

    /// How many names have a number.
    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    /// How many numbers there are, used or free.
    pub(super) fn numbers(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn find(&self, under: u32, text: &str) -> Option<u32> {
        let same = |at: &u32| {
            let entry = self.entries.get(*at as usize).and_then(Option::as_ref);
            entry.is_some_and(|entry| entry.under == under && entry.name.borrow() == text)
        };
        self.index.find(hash(under, text), same).copied()
    }

    /// Gives a name that is not there a number.
    pub(super) fn add(&mut self, under: u32, name: T, known: P) -> u32 {
        let number = hash(under, name.borrow());
        let at = self.free.pop().unwrap_or_else(|| {
            self.entries.push(None);
            u32::try_from(self.entries.len() - 1).unwrap_or(u32::MAX)
        });
        if let Some(place) = self.entries.get_mut(at as usize) {
            *place = Some(Entry { under, name, known });
        }
        let entries = &self.entries;
        self.index.insert_unique(number, at, |at| {
            let entry = entries.get(*at as usize).and_then(Option::as_ref);
            entry.map_or(0, |entry| hash(entry.under, entry.name.borrow()))
        });
        at
    }

    /// A name leaves; its number is free.
    pub(super) fn remove(&mut self, at: u32) {
        let Some(entry) = self.entries.get_mut(at as usize).and_then(Option::take) else { return };
        let number = hash(entry.under, entry.name.borrow());
        if let Ok(found) = self.index.find_entry(number, |other| *other == at) {
            found.remove();
        }
        self.free.push(at);
    }

    #[expect(clippy::expect_used, reason = "a number is kept no longer than its name")]
    pub(super) fn at(&self, at: u32) -> (u32, &T, &P) {
        let entry = self.entries.get(at as usize).and_then(Option::as_ref);
        let entry = entry.expect("a number of this table");
        (entry.under, &entry.name, &entry.known)
    }

    pub(super) fn known(&mut self, at: u32) -> Option<&mut P> {
        let entry = self.entries.get_mut(at as usize).and_then(Option::as_mut);
        entry.map(|entry| &mut entry.known)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, u32, &T, &P)> {
        let entries = (0..).zip(&self.entries);
        entries.filter_map(|(at, entry)| {
            let entry = entry.as_ref()?;
            Some((at, entry.under, &entry.name, &entry.known))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn a_million_names_one_after_another_need_no_more_numbers_than_are_held_at_once() {
        let mut table: Table<String, u32> = Table::new();
        let mut held = std::collections::VecDeque::new();
        for nth in 0..1_000_000_u32 {
            let name = format!("m{nth}");
            held.push_back(table.add(7, name.clone(), nth));
            assert_eq!(table.find(7, &name), held.back().copied());
            if held.len() > 100 {
                table.remove(held.pop_front().unwrap());
            }
        }
        assert_eq!((table.len(), table.numbers()), (100, 101));
        assert!(table.index.capacity() < 1_000, "{}", table.index.capacity());
        assert_eq!(table.find(7, "m1"), None);
        assert_eq!(table.find(8, "m999999"), None, "of another owner");
        let last = table.find(7, "m999999").unwrap();
        assert_eq!(table.at(last), (7, &"m999999".to_owned(), &999_999));
    }
}
