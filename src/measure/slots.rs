//! Requests in few bytes. Those that wait for their truth are most of what a lane remembers.
//!
//! A request with one answer takes a slot of 80 bytes and at most 12 in the index; each further
//! answer takes 40. Requests that expire at one time are a list through their slots: a request that
//! goes early leaves nothing behind.
//!
//! Over 300 lines: packing and unpacking must be read together, with their test.

use std::collections::BTreeMap;

use hashbrown::HashTable;

use super::cells::{Cells, NONE};
use super::inputs::InputsPlace;
use super::names::{ModelIx, RequestKey, VersionIx};
use super::request::{Label, Request, Scored, Truth};
use crate::model::{EventTime, SampleRole};

/// What the index takes of a request at most: five bytes, and it is seven sixteenths full or more.
const INDEX_BYTES: usize = 12;

/// A request's place, and which of those that had it: the place of one that is gone is used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SlotPlace {
    at: u32,
    stamp: u32,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    key: RequestKey,
    model: u16,
    flags: u16,
    /// The second answer.
    more: u32,
    /// Its neighbours among those that expire at the same time.
    previous: u32,
    next: u32,
    stamp: u32,
    answer: PackedAnswer,
    truth_ts: i64,
    truth: u64,
}

/// An answer; what of it is a choice of few is in the flags.
#[derive(Debug, Clone, Copy)]
struct PackedAnswer {
    ts: i64,
    value: u64,
    label_at: i64,
    version: u32,
    inputs: u32,
}

#[derive(Debug, Clone, Copy)]
struct Further {
    answer: PackedAnswer,
    next: u32,
    flags: u16,
}

/// All requests of a lane.
#[derive(Debug)]
pub(super) struct Slots {
    index: HashTable<u32>,
    slots: Cells<Slot>,
    further: Cells<Further>,
    /// The first request of each list, by when they expire.
    expiring: BTreeMap<EventTime, u32>,
    /// Of the newest request.
    stamp: u32,
}

impl Slots {
    pub(super) fn new() -> Self {
        Self {
            index: HashTable::new(),
            slots: Cells::new(),
            further: Cells::new(),
            expiring: BTreeMap::new(),
            stamp: 0,
        }
    }

    /// Bytes that the requests take.
    pub(super) fn bytes(&self) -> usize {
        self.slots.used() * (size_of::<Slot>() + INDEX_BYTES)
            + self.further.used() * size_of::<Further>()
    }

    pub(super) fn find(&self, key: RequestKey) -> Option<SlotPlace> {
        let at = *self.index.find(key.hash(), |at| self.slots.at(*at).key == key)?;
        Some(SlotPlace { at, stamp: self.slots.at(at).stamp })
    }

    /// Whether the request that had this place still has it.
    pub(super) fn holds(&self, place: SlotPlace) -> bool {
        self.slots.at(place.at).stamp == place.stamp
    }

    /// Whose request it is, and which.
    pub(super) fn owner(&self, place: SlotPlace) -> (ModelIx, RequestKey) {
        let slot = self.slots.at(place.at);
        (ModelIx(u32::from(slot.model)), slot.key)
    }

    /// Reads a request into one that is empty.
    pub(super) fn read(&self, place: SlotPlace, into: &mut Request) {
        let slot = self.slots.at(place.at);
        into.truth = slot.truth();
        if slot.flags & ANSWERED != 0 {
            into.answers.push(slot.answer.unpack(slot.flags));
        }
        let mut more = slot.more;
        while more != NONE {
            let further = self.further.at(more);
            into.answers.push(further.answer.unpack(further.flags));
            more = further.next;
        }
    }

    /// Makes a place for a request that is not empty.
    pub(super) fn add(
        &mut self,
        (model, key): (ModelIx, RequestKey),
        request: &Request,
    ) -> SlotPlace {
        self.stamp = self.stamp.wrapping_add(1).max(1);
        let stamp = self.stamp;
        let at = self.slots.add(Slot::new(model, key, stamp));
        let slots = &self.slots;
        self.index.insert_unique(key.hash(), at, |at| slots.at(*at).key.hash());
        let place = SlotPlace { at, stamp };
        self.write(place, request);
        place
    }

    /// Replaces what is known of a request.
    pub(super) fn write(&mut self, place: SlotPlace, request: &Request) {
        self.drop_further(place.at);
        let mut answers = request.answers.iter();
        let first = answers.next();
        let mut more = NONE;
        for answer in answers.rev() {
            let (answer, flags) = PackedAnswer::pack(answer);
            more = self.further.add(Further { answer, next: more, flags });
        }
        let slot = self.slots.at_mut(place.at);
        (slot.flags, slot.more) = (0, more);
        if let Some((answer, flags)) = first.map(PackedAnswer::pack) {
            (slot.answer, slot.flags) = (answer, flags | ANSWERED);
        }
        if let Some(truth) = request.truth {
            (slot.truth_ts, slot.truth) = (truth.ts.as_ms(), truth.actual.bits);
            slot.flags |=
                KNOWN | flag(truth.waiting, WAITING) | flag(truth.actual.number, TRUTH_IS_NUMBER);
        }
    }

    /// Forgets a request that is in no list.
    pub(super) fn remove(&mut self, place: SlotPlace) {
        self.drop_further(place.at);
        let key = self.slots.at(place.at).key;
        if let Ok(entry) = self.index.find_entry(key.hash(), |at| *at == place.at) {
            entry.remove();
        }
        self.slots.at_mut(place.at).stamp = 0;
        self.slots.remove(place.at);
    }

    fn drop_further(&mut self, at: u32) {
        let mut more = std::mem::replace(&mut self.slots.at_mut(at).more, NONE);
        while more != NONE {
            let next = self.further.at(more).next;
            self.further.remove(more);
            more = next;
        }
    }

    /// Puts a request into the list of those that expire then.
    pub(super) fn link(&mut self, place: SlotPlace, expires: EventTime) {
        let first = self.expiring.insert(expires, place.at).unwrap_or(NONE);
        let slot = self.slots.at_mut(place.at);
        (slot.previous, slot.next) = (NONE, first);
        if first != NONE {
            self.slots.at_mut(first).previous = place.at;
        }
    }

    /// Takes a request out of the list that it is in.
    pub(super) fn unlink(&mut self, place: SlotPlace, expires: EventTime) {
        let slot = self.slots.at_mut(place.at);
        let (previous, next) = (slot.previous, slot.next);
        (slot.previous, slot.next) = (NONE, NONE);
        if next != NONE {
            self.slots.at_mut(next).previous = previous;
        }
        if previous != NONE {
            self.slots.at_mut(previous).next = next;
        } else if next != NONE {
            self.expiring.insert(expires, next);
        } else {
            self.expiring.remove(&expires);
        }
    }

    /// A request that has expired by `mark`.
    pub(super) fn expired(&self, mark: EventTime) -> Option<SlotPlace> {
        let (_, at) = self.expiring.first_key_value().filter(|(expires, _)| **expires <= mark)?;
        Some(SlotPlace { at: *at, stamp: self.slots.at(*at).stamp })
    }
}

// The flags of an answer.
const ROLE: u16 = 0b11;
const IS_NUMBER: u16 = 1 << 2;
const LABELLED: u16 = 1 << 3;
const COMPARED: u16 = 1 << 4;
const RIGHT: u16 = 1 << 5;
// And those of a slot.
const ANSWERED: u16 = 1 << 6;
const KNOWN: u16 = 1 << 7;
const WAITING: u16 = 1 << 8;
const TRUTH_IS_NUMBER: u16 = 1 << 9;

const fn flag(on: bool, flag: u16) -> u16 {
    if on { flag } else { 0 }
}

impl Slot {
    fn new(model: ModelIx, key: RequestKey, stamp: u32) -> Self {
        let answer = PackedAnswer { ts: 0, value: 0, label_at: 0, version: 0, inputs: NONE };
        Self {
            key,
            // `Names` refuses models past that.
            model: u16::try_from(model.0).unwrap_or(u16::MAX),
            flags: 0,
            more: NONE,
            previous: NONE,
            next: NONE,
            stamp,
            answer,
            truth_ts: 0,
            truth: 0,
        }
    }

    fn truth(&self) -> Option<Truth> {
        let actual = Label { number: self.flags & TRUTH_IS_NUMBER != 0, bits: self.truth };
        let ts = EventTime::from_ms(self.truth_ts);
        let waiting = self.flags & WAITING != 0;
        (self.flags & KNOWN != 0).then_some(Truth { ts, actual, waiting })
    }
}

impl PackedAnswer {
    fn pack(answer: &Scored) -> (Self, u16) {
        let role = match answer.role {
            SampleRole::Live => 0,
            SampleRole::Shadow => 1,
            SampleRole::Unstated => 2,
        };
        let right = answer.label.and_then(|(_, right)| right);
        let flags = role
            | flag(answer.value.number, IS_NUMBER)
            | flag(answer.label.is_some(), LABELLED)
            | flag(right.is_some(), COMPARED)
            | flag(right == Some(true), RIGHT);
        let packed = Self {
            ts: answer.ts.as_ms(),
            value: answer.value.bits,
            label_at: answer.label.map_or(0, |(at, _)| at.as_ms()),
            version: answer.version.0,
            inputs: answer.inputs.0,
        };
        (packed, flags)
    }

    fn unpack(&self, flags: u16) -> Scored {
        let role = match flags & ROLE {
            0 => SampleRole::Live,
            1 => SampleRole::Shadow,
            _ => SampleRole::Unstated,
        };
        let right = (flags & COMPARED != 0).then_some(flags & RIGHT != 0);
        let labelled = flags & LABELLED != 0;
        Scored {
            version: VersionIx(self.version),
            role,
            ts: EventTime::from_ms(self.ts),
            value: Label { number: flags & IS_NUMBER != 0, bits: self.value },
            inputs: InputsPlace(self.inputs),
            label: labelled.then_some((EventTime::from_ms(self.label_at), right)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_takes_few_bytes() {
        assert_eq!((size_of::<Slot>(), size_of::<Further>()), (80, 40));
        let mut slots = Slots::new();
        for n in 0..100_000_u32 {
            let request = Request { answers: vec![answer(n)], truth: None };
            slots.add((ModelIx(0), RequestKey([n, n, n.wrapping_mul(7)])), &request);
        }
        let index = slots.index.allocation_size();
        assert!(index <= 100_000 * INDEX_BYTES, "the index takes {index} bytes");
        assert_eq!(slots.bytes(), 100_000 * 92);
    }

    #[test]
    fn what_is_packed_comes_out_again() {
        let mut slots = Slots::new();
        for truth in [None, Some(true), Some(false)] {
            let truth = truth.map(|waiting| Truth {
                ts: EventTime::from_ms(-7),
                actual: Label { number: waiting, bits: 9 },
                waiting,
            });
            for n in 0..5 {
                let answers: Vec<_> = (0..n).map(answer).collect();
                let request = Request { answers, truth };
                let place = slots.add((ModelIx(3), RequestKey([n, 1, 2])), &request);
                let mut read = Request::default();
                slots.read(place, &mut read);
                assert_eq!(read, request);
                slots.remove(place);
                assert!(!slots.holds(place));
                assert_eq!(slots.bytes(), 0, "nothing is left of it");
            }
        }
    }

    fn answer(n: u32) -> Scored {
        let label = [None, Some(None), Some(Some(true)), Some(Some(false))];
        let at = EventTime::from_ms(i64::from(n) * 1000);
        Scored {
            version: VersionIx(n),
            role: [SampleRole::Live, SampleRole::Shadow, SampleRole::Unstated][n as usize % 3],
            ts: at,
            value: Label { number: n.is_multiple_of(2), bits: u64::from(n) },
            inputs: InputsPlace(n),
            label: label[n as usize % 4].map(|right| (at, right)),
        }
    }
}
