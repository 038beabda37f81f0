//! What must hold in every step, and what must hold at rest.

use taskwire_domain::{IndexOperation, ItemOutcome, Partition, Position};

use crate::broker::PARTITIONS;
use crate::catalogue::{self, Content, Doc, Event, FOREIGN};
use crate::verdict::Invariant;
use crate::world::World;

impl World {
    /// A record reaches the topic.
    pub(crate) fn append(&mut self, partition: usize, content: Content) {
        let offset = self.topic.append(partition, content);
        self.journal
            .note(|| format!("partition {partition}, offset {offset}: {content:?}"));
        let Content::Event(event) = content else {
            return;
        };
        if event.task >= FOREIGN {
            return;
        }
        let before = self.published_version(event.task);
        if event.version <= before {
            self.journal.count("a duplicate in the topic");
        }
        if event.version > before + 1 {
            self.journal.blame(Invariant::PerTaskOrder, || {
                format!("{event:?} stands in the topic before version {}", before + 1)
            });
        }
        self.published.insert(event.task, before.max(event.version));
    }

    /// The highest version of a task in the topic.
    pub(crate) fn published_version(&self, task: u64) -> i64 {
        self.published.get(&task).copied().unwrap_or(0)
    }

    /// An operation reaches a generation, if that still exists.
    pub(crate) fn apply(&mut self, number: usize, operation: &IndexOperation) -> ItemOutcome {
        let gone = || ItemOutcome::Retry {
            detail: "the generation takes no writes".to_owned(),
        };
        let Some(generation) = self
            .generations
            .get_mut(&number)
            .filter(|generation| !generation.blocked)
        else {
            return gone();
        };
        let (task, asked) = catalogue::document(operation);
        let before = generation.doc(task);
        let outcome = generation.apply(operation);
        let after = generation.doc(task);
        if outcome == ItemOutcome::Done {
            let seen = generation.seen.entry(task).or_insert(asked);
            if before.is_some_and(|before| asked.version < before.version) {
                self.journal.count("a stale write is refused");
                if before.is_some_and(|before| before.deleted) {
                    self.journal.count("a stale write meets a tombstone");
                }
            }
            let now = after.unwrap_or(Doc {
                version: asked.version,
                deleted: true,
            });
            if seen.deleted && !now.deleted {
                let seen = *seen;
                self.journal.blame(Invariant::ADeletedTaskCannotComeBack, || {
                    format!("task {task} was {seen:?} in generation {number} and is {now:?}")
                });
            } else if after.is_some() && now.version < seen.version {
                let seen = *seen;
                self.journal.blame(Invariant::AStaleWriteCannotWin, || {
                    format!("task {task} was {seen:?} in generation {number} and is {now:?}")
                });
            } else if now.version > seen.version {
                *seen = now;
            }
        }
        if before != after && number == self.alias {
            self.show(
                task,
                after.unwrap_or(Doc {
                    deleted: true,
                    ..asked
                }),
            );
        }
        outcome
    }

    /// The alias shows a document: no older than what it showed before.
    pub(crate) fn show(&mut self, task: u64, doc: Doc) {
        if task >= FOREIGN {
            return;
        }
        let shown = self.shown.entry(task).or_insert(doc);
        let before = *shown;
        let older = if before.deleted {
            !doc.deleted
        } else {
            doc.version < before.version
        };
        if older {
            self.journal.blame(Invariant::ASearchNeverGoesBackwards, || {
                format!("task {task} was shown as {before:?} and is shown as {doc:?}")
            });
        } else {
            *shown = doc;
        }
    }

    /// Whether nothing is left to be done.
    pub(crate) fn is_at_rest(&self) -> bool {
        let consumed = self.groups.values().all(|group| {
            let rest = |place| {
                self.topic
                    .is_empty_between(place, group.position(place), self.topic.end(place))
            };
            (0..PARTITIONS).all(rest)
        });
        consumed
            && self.rebuild.is_none()
            && self.database.outbox_len() == 0
            && !self.database.has_open()
            && self.zombies.is_empty()
            && self.late_bulks.is_empty()
            && self.relays.iter().all(|relay| !relay.has_sent())
            && self.members.values().all(|member| member.is_idle())
    }

    /// What must hold at rest.
    pub(crate) fn check_rest(&mut self) {
        self.check_topic();
        self.check_index();
        self.check_dead_letters();
    }

    fn check_topic(&mut self) {
        for (task, doc) in self.database.truth() {
            let published = self.published.get(task).copied().unwrap_or(0);
            if published != doc.version {
                self.journal.blame(Invariant::NoEventIsLost, || {
                    format!("task {task} is {doc:?} in the database; the topic ends with version {published}")
                });
            }
        }
    }

    fn check_index(&mut self) {
        let Some(index) = self.generations.get(&self.alias) else {
            return;
        };
        for (task, truth) in self.database.truth() {
            let live = index.doc(*task).filter(|doc| !doc.deleted);
            let wanted = Some(*truth).filter(|truth| !truth.deleted);
            if live != wanted {
                let invariant = match (wanted, live) {
                    (None, Some(_)) => Invariant::ADeletedTaskCannotComeBack,
                    _ => Invariant::TheIndexIsTheDatabase,
                };
                self.journal.blame(invariant, || {
                    format!("task {task} is {truth:?} in the database and {live:?} in the index")
                });
            }
        }
        for (task, doc) in index.docs() {
            if task < FOREIGN && !self.database.truth().contains_key(&task) {
                self.journal.blame(Invariant::TheIndexIsTheDatabase, || {
                    format!("task {task} is {doc:?} in the index and never was in the database")
                });
            }
        }
    }

    fn check_dead_letters(&mut self) {
        for place in 0..PARTITIONS {
            let records: Vec<_> = self.topic.between(place, 0, self.topic.end(place)).collect();
            for (offset, content) in records {
                let partition = Partition(i32::try_from(place).unwrap_or_default());
                let parked = self.parked.contains(&Position { partition, offset });
                let right = match content {
                    Content::NotJson | Content::UnknownType => parked,
                    Content::Event(event) if event.is_refused() => parked || self.is_superseded(event),
                    Content::Event(_) | Content::Null | Content::Hole => !parked,
                };
                if !right {
                    self.journal.blame(Invariant::DeadLettersAreThePoison, || {
                        format!("{content:?} at {offset} of partition {place}: parked {parked}")
                    });
                }
            }
        }
    }

    /// A batch sends of each task the highest version alone: a lower one that would be refused is never sent.
    fn is_superseded(&self, event: Event) -> bool {
        self.foreign
            .get(&event.task)
            .is_some_and(|last| *last > event.version)
    }
}
