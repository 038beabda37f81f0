//! The use cases of a task.

use std::sync::Arc;

use bytes::Bytes;
use taskwire_domain::{
    Clock, Conflict, Error, IdSource, KEY_DAYS, Once, Receipt, Task, TaskEvent, TaskFields, TaskId,
    TaskPatch, TaskRepository, TaskSearch, WalkPage, WalkStep, Written, unknown_parent,
};
use tokio::sync::OnceCell;

use crate::aside::Aside;
use crate::bulk_decision::BulkDecision;
use crate::cascade::Cascade;
use crate::cursor::CursorSigner;
use crate::deletion::{farewell, tombstone};
use crate::idempotent::unclaimed;
use crate::search_cursor::SearchCursors;
use crate::{
    Answered, BulkKey, BulkRequest, BulkResults, CallerKey, Found, ListPage, ListRequest, Precondition,
    SearchRequest,
};

/// How often a write is decided anew when others change the task between reading and writing it. Each lost
/// attempt means that another write succeeded, so the bound is met only by a task that many write without pause.
const MAX_ATTEMPTS: u32 = 32;

/// How many keys are forgotten in one transaction: few enough to hold nobody up, although the answer to a bulk can have
/// megabytes.
const FORGOTTEN_AT_ONCE: u32 = 50;

/// Creates, reads, replaces, deletes and searches tasks.
///
/// `traceparent` is, in every write, the W3C context of a sampled trace; it travels with the event.
///
/// A write's future may be dropped at any await: the repository applies a write in one transaction, so it is then
/// applied with its events or not at all, and nothing is left half done.
pub struct TaskService {
    repository: Arc<dyn TaskRepository>,
    search: Arc<dyn TaskSearch>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    aside: Aside,
    /// Made with the first list or walk: at start the database may be away.
    cursors: OnceCell<Cursors>,
}

struct Cursors {
    of_lists: CursorSigner,
    of_searches: SearchCursors,
}

impl TaskService {
    /// The most tasks that are deleted at once with the one above them, itself included.
    pub const MAX_CASCADE: usize = 10_000;

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
            aside: Aside::default(),
            cursors: OnceCell::new(),
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

    /// As [`create`](Self::create), once for the caller's key. `render` makes the answer that is kept under it.
    ///
    /// # Errors
    /// As `create`, [`Conflict::KeyReused`], [`Conflict::TwinInFlight`].
    pub async fn create_once(
        &self,
        fields: TaskFields,
        key: CallerKey,
        render: &(dyn Fn(&Receipt) -> Bytes + Send + Sync),
        traceparent: Option<&str>,
    ) -> Result<Answered<Receipt>, Error> {
        let task = Task::create(self.ids.next_id(), fields, self.clock.now());
        let event = TaskEvent::Created(&task).encode(traceparent)?;
        let receipt = Receipt::of(task);
        let fingerprint = key.fingerprint;
        let claim = key.claimed_at(receipt.task.created_at).answered(render(&receipt));
        let once = match self.repository.create_once(&receipt.task, &event, &claim).await? {
            Once::First(()) => Once::First(receipt),
            Once::Taken(answer) => Once::Taken(answer),
        };
        Answered::judge(once, fingerprint)
    }

    /// Changes single fields. A change that changes nothing keeps the version and announces nothing. A lost race
    /// is decided anew from what the other writer left, so that no update of another field is lost.
    ///
    /// # Errors
    /// As [`replace`](Self::replace), and [`Error::Invalid`] when the patched task breaks a rule between fields.
    pub async fn patch(
        &self,
        id: TaskId,
        patch: &TaskPatch,
        precondition: &Precondition,
        traceparent: Option<&str>,
    ) -> Result<Receipt, Error> {
        let patched = |task: &Task| {
            patch
                .apply(&task.fields)
                .map_err(|error| Error::Invalid(vec![error]))
        };
        self.change(id, precondition, traceparent, patched).await
    }

    /// Deletes the task and everything below it in one transaction, and announces each deletion. The precondition
    /// is about the task itself. The answer is as for [`delete`](Self::delete).
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Conflict::VersionMismatch`], [`Conflict::SubtreeTooLarge`] beyond
    /// [`MAX_CASCADE`](Self::MAX_CASCADE) tasks, and those of [`TaskRepository::decide`].
    pub async fn delete_cascade(
        &self,
        id: TaskId,
        precondition: &Precondition,
        traceparent: Option<&str>,
    ) -> Result<Receipt, Error> {
        let cascade = Cascade {
            root: id,
            at_most: Self::MAX_CASCADE,
            precondition: precondition.clone(),
            now: self.clock.now(),
            traceparent: traceparent.map(str::to_owned),
        };
        let once = self.repository.decide(Arc::new(cascade), None).await?;
        let result = unclaimed(once)?.pop();
        result.unwrap_or_else(|| {
            Err(Error::Internal {
                context: "a cascade was applied without its result",
                cause: "the repository returned fewer results than the decision made".into(),
            })
        })
    }

    /// A page of all tasks, from the database.
    ///
    /// # Errors
    /// [`Error::Invalid`] at the parameter `cursor` when we did not make it, or made it for another order or filter.
    pub async fn list(&self, request: ListRequest) -> Result<ListPage, Error> {
        let cursors = &self.cursors().await?.of_lists;
        let tasks = self.repository.list(&request.query(cursors)?).await?;
        Ok(request.page(tasks, cursors))
    }

    /// Carries out many writes in one transaction.
    ///
    /// # Errors
    /// As [`create_once`](Self::create_once) and [`TaskRepository::decide`]; what refuses one operation is in its
    /// result.
    pub async fn bulk(
        &self,
        request: BulkRequest,
        key: Option<BulkKey>,
        traceparent: Option<&str>,
    ) -> Result<Answered<BulkResults>, Error> {
        let now = self.clock.now();
        let (claim, render) = key
            .map(|BulkKey { key, render }| (key.claimed_at(now), render))
            .unzip();
        let decision = BulkDecision::new(request, &*self.ids, now, render, traceparent);
        let once = self.repository.decide(Arc::new(decision), claim.as_ref()).await?;
        match claim {
            Some(claim) => Answered::judge(once, claim.fingerprint),
            None => unclaimed(once).map(Answered::First),
        }
    }

    /// Forgets the callers' keys that are no longer kept, and says how many that were.
    ///
    /// # Errors
    /// Those of [`TaskRepository::forget_claims`].
    pub async fn forget_expired_keys(&self) -> Result<u64, Error> {
        let claimed_before = self.clock.now().plus_days(-KEY_DAYS);
        let mut total = 0;
        loop {
            let forgotten = self
                .repository
                .forget_claims(claimed_before, FORGOTTEN_AT_ONCE)
                .await?;
            total += forgotten;
            if forgotten < u64::from(FORGOTTEN_AT_ONCE) {
                return Ok(total);
            }
        }
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
        self.change(id, precondition, traceparent, |_| Ok(fields.clone()))
            .await
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
            let deleted = tombstone(&current, self.clock.now());
            let event = TaskEvent::Deleted(&deleted).encode(traceparent)?;
            match self.repository.delete(&deleted, current.version, &event).await? {
                Written::Applied => return Ok(farewell(current)),
                Written::Stale => note_lost_race(&current, attempt),
            }
        }
        Err(Error::Conflict(Conflict::Contended))
    }

    /// Searches the index, which may lag behind the database, but for the writes that the caller names.
    ///
    /// # Errors
    /// Those of [`TaskSearch::search`], [`TaskSearch::walk`] and [`TaskSearch::await_writes`];
    /// [`Conflict::NotYetSearchable`] when the caller insists; [`Error::Invalid`] where the cursor stands when we did not make
    /// it, or made it for another search.
    pub async fn search(&self, request: &SearchRequest) -> Result<Found, Error> {
        let query = &request.query;
        let step = match &request.cursor {
            None => None,
            Some(cursor) => Some(self.cursors().await?.of_searches.step(query, cursor)?),
        };
        let consistent = match (&step, &request.after[..]) {
            // Its view is as it was when the walk began.
            (Some(WalkStep::Continue(_)), _) | (_, []) => None,
            (_, writes) => Some(self.search.await_writes(writes, request.patience).await?),
        };
        if request.strict && consistent == Some(false) {
            return Err(Error::Conflict(Conflict::NotYetSearchable));
        }
        let WalkPage { page, next } = match (step, consistent) {
            (Some(step), _) => self.search.walk(query, &step).await?,
            (None, None) => self.search.search(query).await?.into(),
            (None, Some(_)) => self.search.search_after_writes(query).await?.into(),
        };
        let next_cursor = match next {
            None => None,
            Some(position) => Some(self.cursors().await?.of_searches.sign(query, &position)),
        };
        let highlights = request.highlights(&self.aside, &page.tasks).await?;
        let suggestion = request.suggestion(&self.aside, &*self.search, &page).await?;
        Ok(Found {
            page,
            highlights,
            suggestion,
            next_cursor,
            consistent,
        })
    }

    /// Gives the task the fields that `decided` makes of its state, deciding anew after every lost race.
    async fn change(
        &self,
        id: TaskId,
        precondition: &Precondition,
        traceparent: Option<&str>,
        decided: impl Fn(&Task) -> Result<TaskFields, Error>,
    ) -> Result<Receipt, Error> {
        for attempt in 1..=MAX_ATTEMPTS {
            let current = self.get(id).await?;
            let fields = decided(&current)?;
            if let Err(mismatch) = precondition.judge(current.version) {
                self.require_parent(&current, &fields).await?;
                return Err(mismatch);
            }
            let Some(next) = current.with_fields(fields, self.clock.now()) else {
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

    /// A parent that does not exist is told before a version that does not match. Otherwise the repository tells.
    async fn require_parent(&self, task: &Task, fields: &TaskFields) -> Result<(), Error> {
        let Some(parent) = fields.new_parent(&task.fields) else {
            return Ok(());
        };
        match self.repository.find(parent).await? {
            Some(_) => Ok(()),
            None => Err(unknown_parent()),
        }
    }

    async fn cursors(&self) -> Result<&Cursors, Error> {
        let made = self.cursors.get_or_try_init(|| async {
            let key = self.repository.signing_key().await?;
            Ok(Cursors {
                of_lists: CursorSigner::new(key),
                of_searches: SearchCursors::new(key),
            })
        });
        made.await
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
