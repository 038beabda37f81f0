//! The use cases of a task.

use std::sync::Arc;

use taskwire_domain::{
    Clock, Conflict, DeletedTask, Error, IdSource, SearchPage, SearchQuery, Task, TaskEvent, TaskFields,
    TaskId, TaskRepository, TaskSearch, Written,
};

use crate::{ConsistencyToken, Precondition};

/// How often a write is decided anew when others change the task between reading and writing it. Each lost
/// attempt means that another write succeeded, so the bound is met only by a task that many write without pause.
const MAX_ATTEMPTS: u32 = 32;

/// What a write left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The task as it stands after the write; for a deletion, as it last stood.
    pub task: Task,
    /// Names the write in a later search.
    pub token: ConsistencyToken,
}

impl Receipt {
    fn of(task: Task) -> Self {
        let token = ConsistencyToken::of(&task);
        Self { task, token }
    }
}

/// Creates, reads, replaces, deletes and searches tasks.
///
/// `traceparent` is, in every write, the W3C context of a sampled trace; it travels with the event.
///
/// A write's future may be dropped at any await: the repository applies a write in one statement, so it is then
/// applied with its event or not at all, and nothing is left half done.
pub struct TaskService {
    repository: Arc<dyn TaskRepository>,
    search: Arc<dyn TaskSearch>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
}

impl TaskService {
    /// A service over these ports.
    pub fn new(
        repository: Arc<dyn TaskRepository>,
        search: Arc<dyn TaskSearch>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
    ) -> Self {
        Self {
            repository,
            search,
            clock,
            ids,
        }
    }

    /// Stores a new task and announces it.
    ///
    /// # Errors
    /// Those of [`TaskRepository::create`].
    pub async fn create(&self, fields: TaskFields, traceparent: Option<&str>) -> Result<Receipt, Error> {
        let task = Task::create(self.ids.next_id(), fields, self.clock.now());
        let event = TaskEvent::Created(&task).encode(traceparent)?;
        self.repository.create(&task, &event).await?;
        Ok(Receipt::of(task))
    }

    /// The task as it stands in the database.
    ///
    /// # Errors
    /// [`Error::NotFound`], and those of [`TaskRepository::find`].
    pub async fn get(&self, id: TaskId) -> Result<Task, Error> {
        self.repository.find(id).await?.ok_or(Error::NotFound(id))
    }

    /// Gives the task these fields. A replacement that changes nothing keeps the version and announces nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Conflict::VersionMismatch`] under the precondition, [`Conflict::Contended`], and
    /// those of [`TaskRepository::update`].
    pub async fn replace(
        &self,
        id: TaskId,
        fields: TaskFields,
        precondition: &Precondition,
        traceparent: Option<&str>,
    ) -> Result<Receipt, Error> {
        for attempt in 1..=MAX_ATTEMPTS {
            let current = self.get(id).await?;
            precondition.judge(current.version)?;
            let Some(next) = current.with_fields(fields.clone(), self.clock.now()) else {
                return Ok(Receipt::of(current));
            };
            let event = TaskEvent::Updated(&next).encode(traceparent)?;
            match self.repository.update(&next, current.version, &event).await? {
                Written::Applied => return Ok(Receipt::of(next)),
                Written::Stale => note_lost_race(&current, attempt),
            }
        }
        Err(Error::Conflict(Conflict::Contended))
    }

    /// Deletes the task and announces it. The answer holds the task's last state and the tombstone's token.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Conflict::VersionMismatch`] under the precondition, [`Conflict::Contended`], and
    /// those of [`TaskRepository::delete`].
    pub async fn delete(
        &self,
        id: TaskId,
        precondition: &Precondition,
        traceparent: Option<&str>,
    ) -> Result<Receipt, Error> {
        for attempt in 1..=MAX_ATTEMPTS {
            let current = self.get(id).await?;
            precondition.judge(current.version)?;
            let deleted = DeletedTask {
                id,
                version: current.version.next(),
                // A clock set back must not delete a task before it was last changed.
                deleted_at: self.clock.now().max(current.updated_at),
            };
            let event = TaskEvent::Deleted(&deleted).encode(traceparent)?;
            match self.repository.delete(&deleted, current.version, &event).await? {
                Written::Applied => {
                    let token = ConsistencyToken {
                        id,
                        version: deleted.version,
                    };
                    return Ok(Receipt { task: current, token });
                }
                Written::Stale => note_lost_race(&current, attempt),
            }
        }
        Err(Error::Conflict(Conflict::Contended))
    }

    /// Searches the index, which may lag behind the database.
    ///
    /// # Errors
    /// Those of [`TaskSearch::search`].
    pub async fn search(&self, query: &SearchQuery) -> Result<SearchPage, Error> {
        self.search.search(query).await
    }
}

fn note_lost_race(task: &Task, attempt: u32) {
    tracing::debug!(
        task.id = %task.id,
        task.version = %task.version,
        attempt,
        "another write came first, deciding anew"
    );
}

#[cfg(test)]
mod tests;
