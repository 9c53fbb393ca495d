//! Who reads which partition: the groups of a simulated log, and how partitions change hands.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use ripcord::edge::log::{Committed, Partition, Read};

/// A member of a group, the same for ever.
pub(crate) type MemberId = u64;

#[derive(Default)]
pub(crate) struct Groups {
    groups: BTreeMap<String, Group>,
    joined: MemberId,
}

#[derive(Default)]
struct Group {
    members: BTreeMap<MemberId, Member>,
    partitions: BTreeSet<Partition>,
    /// Who may read and commit.
    owners: BTreeMap<Partition, MemberId>,
    positions: BTreeMap<Partition, Committed>,
    /// By how many members the partitions are moved on.
    shift: usize,
}

#[derive(Default)]
struct Member {
    process: u64,
    /// What it has not been told yet.
    news: VecDeque<Read>,
    /// What it lets go with its next read.
    releasing: Vec<Partition>,
}

impl Group {
    /// Who should have a partition. By its number alone, so that a lane stays whole.
    fn wanted(&self, partition: &Partition) -> Option<MemberId> {
        let members = self.members.len();
        let nth = (partition.partition as usize + self.shift).checked_rem(members)?;
        self.members.keys().nth(nth).copied()
    }

    /// Gives what is free to those who should have it, and asks for the rest: in order, or at once
    /// as from a member that was not heard of in time.
    fn balance(&mut self, abrupt: bool) {
        let mut given: BTreeMap<MemberId, Vec<Partition>> = BTreeMap::new();
        let mut taken: BTreeMap<MemberId, Vec<Partition>> = BTreeMap::new();
        for partition in self.partitions.clone() {
            let wanted = self.wanted(&partition);
            let owner = self.owners.get(&partition).copied();
            if owner == wanted {
                continue;
            }
            if let Some(owner) = owner {
                taken.entry(owner).or_default().push(partition.clone());
                if !abrupt {
                    continue;
                }
            }
            if let Some(wanted) = wanted {
                self.owners.insert(partition.clone(), wanted);
                given.entry(wanted).or_default().push(partition);
            }
        }
        for (member, partitions) in taken {
            let Some(member) = self.members.get_mut(&member) else { continue };
            if abrupt {
                member.news.push_back(Read::Lost(partitions));
                continue;
            }
            let told = |p: &&Partition| !member.releasing.contains(p) && !asked(&member.news, p);
            let new: Vec<_> = partitions.iter().filter(told).cloned().collect();
            if !new.is_empty() {
                member.news.push_back(Read::Revoking(new));
            }
        }
        for (member, partitions) in given {
            if let Some(member) = self.members.get_mut(&member) {
                member.news.push_back(Read::Assigned(partitions));
            }
        }
    }

    fn leave(&mut self, member: MemberId) {
        if self.members.remove(&member).is_some() {
            self.owners.retain(|_, owner| *owner != member);
            self.balance(false);
        }
    }
}

/// Whether a member is about to be asked for a partition.
fn asked(news: &VecDeque<Read>, partition: &Partition) -> bool {
    news.iter().any(|told| matches!(told, Read::Revoking(of) if of.contains(partition)))
}

impl Groups {
    /// A new member; what it gets comes with its next reads.
    pub(crate) fn join(
        &mut self,
        group: &str,
        process: u64,
        partitions: impl IntoIterator<Item = Partition>,
    ) -> MemberId {
        self.joined += 1;
        let group = self.groups.entry(group.to_owned()).or_default();
        group.partitions.extend(partitions);
        group.members.insert(self.joined, Member { process, ..Member::default() });
        group.balance(false);
        self.joined
    }

    pub(crate) fn leave(&mut self, group: &str, member: MemberId) {
        if let Some(group) = self.groups.get_mut(group) {
            group.leave(member);
        }
    }

    /// A process has not been heard of for too long.
    pub(crate) fn bury(&mut self, process: u64) {
        for group in self.groups.values_mut() {
            let its = group.members.iter().filter(|(_, member)| member.process == process);
            let its: Vec<_> = its.map(|(id, _)| *id).collect();
            its.into_iter().for_each(|member| group.leave(member));
        }
    }

    /// Moves the partitions of a group on by one member. Returns whether one changed hands.
    pub(crate) fn shift(&mut self, group: &str, abrupt: bool) -> bool {
        let Some(group) = self.groups.get_mut(group) else { return false };
        group.shift += 1;
        group.balance(abrupt);
        group.members.len() > 1
    }

    /// What a member is told next. It lets go of what it was asked for before.
    pub(crate) fn next(&mut self, group: &str, member: MemberId) -> Option<Read> {
        let group = self.groups.get_mut(group)?;
        let me = group.members.get_mut(&member)?;
        let released = std::mem::take(&mut me.releasing);
        for partition in &released {
            // It may have been taken away at once in between.
            if group.owners.get(partition) == Some(&member) {
                group.owners.remove(partition);
            }
        }
        if !released.is_empty() {
            group.balance(false);
        }
        let me = group.members.get_mut(&member)?;
        let told = me.news.pop_front()?;
        if let Read::Revoking(partitions) = &told {
            me.releasing.clone_from(partitions);
        }
        Some(told)
    }

    /// Whether a member still counts.
    pub(crate) fn has(&self, group: &str, member: MemberId) -> bool {
        self.groups.get(group).is_some_and(|group| group.members.contains_key(&member))
    }

    pub(crate) fn owner(&self, group: &str, partition: &Partition) -> Option<MemberId> {
        self.groups.get(group)?.owners.get(partition).copied()
    }

    pub(crate) fn store(&mut self, group: &str, partition: &Partition, upto: Committed) {
        let group = self.groups.entry(group.to_owned()).or_default();
        group.positions.insert(partition.clone(), upto);
    }

    pub(crate) fn committed(&self, group: &str, partition: &Partition) -> Option<Committed> {
        self.groups.get(group)?.positions.get(partition).cloned()
    }
}
