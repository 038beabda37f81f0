//! Consumer groups: who has which partition, what is committed, and the members that come and go.

use taskwire_dispatch::Input;
use taskwire_domain::{Partition, Position};

use crate::broker::PARTITIONS;
use crate::catalogue::Content;
use crate::consuming::Member;
use crate::faults::Fault;
use crate::verdict::Invariant;
use crate::world::World;

/// The group of one generation.
#[derive(Debug, Default)]
pub(crate) struct Group {
    /// A group without offsets begins at 0.
    pub(crate) committed: [Option<i64>; PARTITIONS],
    owner: [Option<usize>; PARTITIONS],
    /// Everything before this was found to be finished.
    pub(crate) verified: [i64; PARTITIONS],
    /// Where it began.
    pub(crate) start: [i64; PARTITIONS],
}

impl Group {
    /// A group that begins where the topic ends now.
    pub(crate) fn starting_at(start: [i64; PARTITIONS]) -> Self {
        Self {
            committed: start.map(Some),
            owner: [None; PARTITIONS],
            verified: start,
            start,
        }
    }

    pub(crate) fn position(&self, partition: usize) -> i64 {
        self.committed[partition].unwrap_or(0)
    }
}

fn index(partition: Partition) -> usize {
    usize::try_from(partition.0).expect("a partition of the model")
}

fn partition(index: usize) -> Partition {
    Partition(i32::try_from(index).expect("few partitions"))
}

impl World {
    pub(crate) fn spawn(&mut self, group: usize) {
        self.last_member += 1;
        let id = self.last_member;
        self.journal
            .note(|| format!("consumer {id}: joins the group of generation {group}"));
        self.members
            .insert(id, Member::start(group, self.faults.has(Fault::ParkLimit)));
    }

    /// The members of a group that can be talked to.
    fn present(&self, group: usize) -> Vec<usize> {
        let members = self.members.iter();
        let present =
            members.filter(|(_, member)| member.group == group && !member.frozen && !member.stopping);
        present.map(|(id, _)| *id).collect()
    }

    /// Partitions that nobody has are given to somebody, who begins where the group has committed.
    pub(crate) fn assign(&mut self, number: usize) {
        let present = self.present(number);
        if present.is_empty() {
            return;
        }
        for place in 0..PARTITIONS {
            let Some(group) = self
                .groups
                .get_mut(&number)
                .filter(|group| group.owner[place].is_none())
            else {
                continue;
            };
            let id = present[self.rng.usize(..present.len())];
            group.owner[place] = Some(id);
            let start = group.position(place);
            if let Some(member) = self.members.get_mut(&id) {
                member.assigned.insert(partition(place), start);
            }
            self.journal
                .note(|| format!("consumer {id}: is given partition {place} from {start}"));
            self.feed(id, Input::Assigned(vec![partition(place)]));
        }
    }

    /// What is stored is committed, where the partition is still ours.
    pub(crate) fn commit(&mut self, id: usize) {
        let Some(member) = self.members.get(&id).filter(|member| !member.frozen) else {
            return;
        };
        let (number, stored) = (member.group, member.stored.clone());
        for (partition, offset) in stored {
            let place = index(partition);
            let owned = self
                .groups
                .get(&number)
                .is_some_and(|group| group.owner[place] == Some(id));
            if owned {
                self.verify(number, place, offset);
            }
            if let Some(group) = self.groups.get_mut(&number).filter(|_| owned) {
                group.committed[place] = Some(offset);
                group.verified[place] = group.verified[place].max(offset);
                self.journal
                    .note(|| format!("consumer {id}: commits {offset} of partition {place}"));
            }
        }
    }

    /// Everything before a committed offset is indexed or parked.
    fn verify(&mut self, number: usize, place: usize, offset: i64) {
        let (Some(group), Some(generation)) = (self.groups.get(&number), self.generations.get(&number))
        else {
            return;
        };
        for (before, content) in self.topic.between(place, group.verified[place], offset) {
            let parked = || {
                self.parked.contains(&Position {
                    partition: partition(place),
                    offset: before,
                })
            };
            let finished = match content {
                Content::Null | Content::Hole => true,
                Content::NotJson | Content::UnknownType => parked(),
                Content::Event(event) => {
                    let seen = generation.seen.get(&event.task);
                    seen.is_some_and(|doc| doc.version >= event.version) || parked()
                }
            };
            if !finished {
                self.journal.blame(Invariant::NeverAcknowledgedPastAFailure, || {
                    format!("generation {number} has committed {offset} of partition {place}, where {content:?} at {before} is neither indexed nor parked")
                });
            }
        }
    }

    /// A member lets go of what is being taken from it.
    pub(crate) fn release(&mut self, id: usize) {
        if !self.faults.strikes(Fault::CommitFails, &mut self.rng, 3) {
            self.commit(id);
        }
        self.give_up(id);
    }

    /// The source lets the partitions go, whatever the consumer says.
    pub(crate) fn give_up(&mut self, id: usize) {
        let Some(member) = self.members.get_mut(&id) else {
            return;
        };
        let revoking = std::mem::take(&mut member.revoking);
        member.drop_partitions(&revoking);
        self.disown(id, |partition| revoking.contains(&partition));
    }

    /// The coordinator takes partitions from a member without asking.
    pub(crate) fn disown(&mut self, id: usize, which: impl Fn(Partition) -> bool) {
        for group in self.groups.values_mut() {
            for (place, owner) in group.owner.iter_mut().enumerate() {
                if *owner == Some(id) && which(partition(place)) {
                    *owner = None;
                }
            }
        }
    }

    /// Cooperative: some partitions are to go to somebody else.
    pub(crate) fn revoke(&mut self, id: usize) {
        let Some(member) = self
            .members
            .get_mut(&id)
            .filter(|member| !member.frozen && member.revoking.is_empty())
        else {
            return;
        };
        let taken: Vec<_> = member
            .assigned
            .keys()
            .copied()
            .filter(|_| self.rng.bool())
            .collect();
        if !taken.is_empty() {
            member.revoking.clone_from(&taken);
            member.drop_fetched(&taken);
            self.journal.count("partitions are revoked");
            self.feed(id, Input::Revoking(taken));
        }
    }

    /// The session with the coordinator timed out.
    pub(crate) fn lose(&mut self, id: usize) {
        let Some(member) = self.members.get_mut(&id).filter(|member| !member.frozen) else {
            return;
        };
        let lost: Vec<_> = member.assigned.keys().copied().collect();
        member.revoking.clear();
        member.drop_partitions(&lost);
        self.disown(id, |_| true);
        self.journal.count("partitions are lost");
        self.feed(id, Input::Lost(lost));
    }

    /// Stopped by SIGSTOP or running again. Whoever is stopped long enough is expelled and learns of it late.
    pub(crate) fn freeze_or_thaw(&mut self, id: usize) {
        let Some(member) = self.members.get_mut(&id) else {
            return;
        };
        member.frozen = !member.frozen;
        let (frozen, expelled) = (member.frozen, member.expelled);
        self.journal
            .note(|| format!("consumer {id}: {}", if frozen { "frozen" } else { "thawed" }));
        if frozen && self.rng.bool() {
            member.expelled = true;
            self.disown(id, |_| true);
        } else if !frozen && expelled {
            member.expelled = false;
            self.lose(id);
        }
    }

    /// An orderly end: what is stored is committed.
    pub(crate) fn leave(&mut self, id: usize) {
        self.commit(id);
        self.crash_member(id);
    }

    /// The end, as it stands. What was asked of the index or the queue may still happen.
    pub(crate) fn crash_member(&mut self, id: usize) {
        let Some(member) = self.members.remove(&id) else {
            return;
        };
        self.journal.note(|| format!("consumer {id}: is gone"));
        self.disown(id, |_| true);
        self.absent.push(member.group);
        let group = member.group;
        let (bulk, letters) = member.abandon();
        if bulk.is_some() {
            self.journal.count("a consumer ends with a bulk under way");
        }
        self.late_bulks.extend(bulk.map(|bulk| (group, bulk)));
        if self.rng.bool() {
            self.parked.extend(letters);
        }
    }

    /// An operator sets a group back, which needs its members to be away.
    pub(crate) fn rewind(&mut self, number: usize, to_the_beginning: bool) {
        let members: Vec<_> = self
            .members
            .iter()
            .filter(|(_, member)| member.group == number)
            .map(|(id, _)| *id)
            .collect();
        members.into_iter().for_each(|id| self.crash_member(id));
        let Some(group) = self.groups.get_mut(&number) else {
            return;
        };
        self.journal.count("a group is set back");
        for committed in &mut group.committed {
            let offset = if to_the_beginning {
                0
            } else {
                self.rng.i64(0..=committed.unwrap_or(0))
            };
            *committed = Some(offset);
        }
        self.journal.note(|| {
            format!(
                "the group of generation {number} is set back to {:?}",
                group.committed
            )
        });
    }
}
