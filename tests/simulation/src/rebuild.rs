//! A new generation of the index, beside the one that serves: from the topic's beginning, or from the database's rows
//! and the topic from where it ended before they were read.

use taskwire_domain::{IndexOperation, ItemOutcome};

use crate::broker::PARTITIONS;
use crate::catalogue;
use crate::faults::Fault;
use crate::groups::Group;
use crate::index::Generation;
use crate::mutation::Mutation;
use crate::verdict::Invariant;
use crate::world::World;

/// So many ids are read at once.
const CHUNK: u64 = 3;

/// How far a rebuild is. Each step is taken some time after the one before.
#[derive(Debug)]
pub(crate) enum Stage {
    /// `deleted_tasks` of the ids before this one have been read, too.
    ReadingRows { from: u64 },
    /// The live rows of this chunk are read, its deleted ones are not.
    ReadingDeleted {
        from: u64,
        operations: Vec<IndexOperation>,
    },
    /// The chunk is being written; `from` is the next one.
    Writing {
        from: u64,
        operations: Vec<IndexOperation>,
    },
    /// Backfilled; the group reads the topic.
    CatchingUp,
    /// The old generation takes no more. If it was filled from rows, it may show what is not in the topic yet: that has
    /// to be published first.
    Frozen { last_id: i64 },
    /// The new one has to get as far.
    Overtaking { until: [i64; PARTITIONS] },
}

#[derive(Debug)]
pub(crate) struct Rebuild {
    /// The new generation.
    generation: usize,
    stage: Stage,
}

impl World {
    /// A new generation with a group that nobody used before.
    pub(crate) fn begin_rebuild(&mut self) {
        if self.rebuild.is_some() {
            return;
        }
        self.last_generation += 1;
        let generation = self.last_generation;
        self.generations
            .insert(generation, Generation::new(self.mutation));
        let from_rows = self.rng.u32(..3) > 0;
        let stage = if from_rows {
            Stage::ReadingRows { from: 1 }
        } else {
            Stage::CatchingUp
        };
        let early = self.mutation != Some(Mutation::StartCapturedAfterBackfill);
        if early || !from_rows {
            let group = if from_rows {
                Group::starting_at(self.topic.ends())
            } else {
                Group::default()
            };
            self.begin_reading(generation, group);
        }
        self.journal
            .note(|| format!("generation {generation} is begun, from the rows: {from_rows}"));
        self.rebuild = Some(Rebuild { generation, stage });
    }

    fn begin_reading(&mut self, generation: usize, group: Group) {
        self.journal.note(|| {
            format!(
                "the group of generation {generation} begins at {:?}",
                group.committed
            )
        });
        self.groups.insert(generation, group);
        self.spawn(generation);
        self.spawn(generation);
    }

    /// One step on.
    pub(crate) fn go_on_with_rebuild(&mut self) {
        let Some(Rebuild { generation, stage }) = self.rebuild.take() else {
            return;
        };
        let stage = match stage {
            Stage::ReadingRows { from } if from > self.database.last_task() => {
                if self.mutation == Some(Mutation::StartCapturedAfterBackfill) {
                    self.begin_reading(generation, Group::starting_at(self.topic.ends()));
                }
                Stage::CatchingUp
            }
            Stage::ReadingRows { from } => {
                let rows = self.database.rows(from, from + CHUNK);
                self.journal.note(|| format!("the backfill reads {rows:?}"));
                Stage::ReadingDeleted {
                    from,
                    operations: rows.into_iter().map(catalogue::operation).collect(),
                }
            }
            Stage::ReadingDeleted { from, mut operations } => {
                let rows = self.database.deleted_rows(from, from + CHUNK);
                self.journal.note(|| format!("the backfill reads {rows:?}"));
                operations.extend(rows.into_iter().map(catalogue::operation));
                Stage::Writing {
                    from: from + CHUNK,
                    operations,
                }
            }
            Stage::Writing { from, operations } => {
                let again = self.backfill(generation, operations);
                if again.is_empty() {
                    Stage::ReadingRows { from }
                } else {
                    Stage::Writing {
                        from,
                        operations: again,
                    }
                }
            }
            Stage::CatchingUp if self.old_group_has_reached(generation) => self.freeze(),
            Stage::Frozen { last_id }
                if self
                    .database
                    .oldest_waiting()
                    .is_none_or(|oldest| oldest > last_id) =>
            {
                let until = self.topic.ends();
                self.journal
                    .note(|| format!("generation {generation} has to reach {until:?}"));
                Stage::Overtaking { until }
            }
            Stage::Overtaking { until } if self.has_reached(generation, until) => {
                self.swap(generation);
                return;
            }
            other => other,
        };
        self.rebuild = Some(Rebuild { generation, stage });
    }

    /// Writes what was read; what has to be written again.
    fn backfill(&mut self, generation: usize, operations: Vec<IndexOperation>) -> Vec<IndexOperation> {
        if self.faults.strikes(Fault::IndexLate, &mut self.rng, 4) {
            self.late_bulks.push((generation, operations.clone()));
            return operations;
        }
        let partial = self.faults.strikes(Fault::IndexPartial, &mut self.rng, 3);
        let mut again = Vec::new();
        for operation in operations {
            let refused = partial && self.rng.bool();
            if refused || self.apply(generation, &operation) != ItemOutcome::Done {
                again.push(operation);
            }
        }
        again
    }

    /// Poison before the new group's start is parked by the old group or by nobody.
    fn old_group_has_reached(&self, generation: usize) -> bool {
        let (Some(new), Some(old)) = (self.groups.get(&generation), self.groups.get(&self.alias)) else {
            return false;
        };
        (0..PARTITIONS).all(|place| {
            self.topic
                .is_empty_between(place, old.verified[place], new.start[place])
        })
    }

    /// The old generation takes no more, so that the new one can be seen to show nothing older.
    fn freeze(&mut self) -> Stage {
        let old = self.alias;
        if let Some(generation) = self.generations.get_mut(&old) {
            generation.blocked = true;
        }
        self.dismiss(old);
        let last_id = self.database.newest_waiting().unwrap_or(0);
        self.journal
            .note(|| format!("generation {old} is frozen; the outbox has to be published up to {last_id}"));
        Stage::Frozen { last_id }
    }

    fn has_reached(&self, generation: usize, until: [i64; PARTITIONS]) -> bool {
        let reached = |group: &Group| {
            (0..PARTITIONS).all(|place| {
                self.topic
                    .is_empty_between(place, group.position(place), until[place])
            })
        };
        self.groups.get(&generation).is_some_and(reached)
    }

    fn swap(&mut self, generation: usize) {
        self.journal
            .note(|| format!("the alias shows generation {generation}"));
        self.journal.count("a new generation is shown");
        self.generations.remove(&self.alias);
        self.groups.remove(&self.alias);
        self.alias = generation;
        let Some(index) = self.generations.get(&generation) else {
            return;
        };
        for (task, before) in &self.shown {
            let deleted = index.seen.get(task).is_some_and(|doc| doc.deleted);
            if index.doc(*task).is_none() && !before.deleted && !deleted {
                self.journal.blame(Invariant::ASearchNeverGoesBackwards, || {
                    format!("task {task} was shown as {before:?} and is not in generation {generation}")
                });
            }
        }
        let docs: Vec<_> = index.docs().collect();
        for (task, doc) in docs {
            self.show(task, doc);
        }
    }

    /// The rebuild is given up: its generation and its group are deleted.
    pub(crate) fn abandon_rebuild(&mut self) {
        let Some(Rebuild { generation, .. }) = self.rebuild.take() else {
            return;
        };
        self.journal
            .note(|| format!("generation {generation} is given up"));
        self.dismiss(generation);
        self.generations.remove(&generation);
        self.groups.remove(&generation);
        let alias = self.alias;
        if let Some(old) = self.generations.get_mut(&alias).filter(|old| old.blocked) {
            old.blocked = false;
            self.spawn(alias);
            self.spawn(alias);
        }
    }

    /// Sends a group's consumers home, in order.
    fn dismiss(&mut self, group: usize) {
        let members: Vec<_> = self
            .members
            .iter()
            .filter(|(_, member)| member.group == group)
            .map(|(id, _)| *id)
            .collect();
        members.into_iter().for_each(|id| self.leave(id));
        self.absent.retain(|absent| *absent != group);
    }
}
