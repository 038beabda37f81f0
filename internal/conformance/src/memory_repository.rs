//! A repository in memory, for the tests of those who use the port: it keeps the port's rules, shows a decision exactly
//! what it asked for and nothing besides, and lets others come first on demand. It panics at a verdict that an adapter
//! would refuse, and its signing key is always the same.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use taskwire_domain::{
    AnsweredClaim, Change, Conflict, Decision, DeletedTask, EncodedEvent, Error, KeyClaim, ListFilter,
    ListOrder, ListPosition, ListQuery, ListRank, Once, Receipt, RememberedAnswer, Scope, Task, TaskId,
    TaskRepository, TasksScope, Timestamp, TreeSurvey, Version, View, Written, unknown_parent,
};

/// What somebody else does to the database just before a write arrives there, or while a decision is being made,
/// which is then made anew.
pub type Rival = Box<dyn FnOnce(&mut State) + Send>;

/// The repository.
#[derive(Default)]
pub struct MemoryRepository {
    /// What is stored.
    pub state: Mutex<State>,
    /// Those who come before the next writes, one each.
    pub rivals: Mutex<VecDeque<Rival>>,
    /// Somebody else changes the task before each write.
    pub endless_rival: Option<fn(&mut State)>,
    /// Every write ends without an answer, and is not done.
    pub answer_lost: bool,
    /// Writes that reached the database, those that were undone among them.
    pub attempts: Mutex<u32>,
    /// How often the signing key was read.
    pub keys_read: Mutex<u32>,
}

/// What is stored.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct State {
    /// The tasks.
    pub tasks: BTreeMap<TaskId, Task>,
    /// What remains of deleted ones, oldest first.
    pub deleted: Vec<DeletedTask>,
    /// What was announced, oldest first.
    pub events: Vec<EncodedEvent>,
    /// What is kept under callers' keys, by scope and key.
    pub claims: HashMap<(&'static str, String), AnsweredClaim>,
}

impl State {
    fn create(&mut self, task: &Task, event: &EncodedEvent) -> Result<(), Error> {
        assert!(!self.tasks.contains_key(&task.id), "an id is never reused");
        self.judge_place(task)?;
        self.judge_external_id(task)?;
        self.tasks.insert(task.id, task.clone());
        self.events.push(event.clone());
        Ok(())
    }

    fn update(&mut self, task: &Task, expected: Version, event: &EncodedEvent) -> Result<Written, Error> {
        let Some(current) = self.tasks.get(&task.id).filter(|it| it.version == expected) else {
            return Ok(Written::Stale);
        };
        assert_eq!(task.version, expected.next());
        if current.fields.parent_id != task.fields.parent_id {
            self.judge_place(task)?;
        }
        self.judge_external_id(task)?;
        self.tasks.insert(task.id, task.clone());
        self.events.push(event.clone());
        Ok(Written::Applied)
    }

    fn delete(
        &mut self,
        deleted: &DeletedTask,
        expected: Version,
        event: &EncodedEvent,
    ) -> Result<Written, Error> {
        if self.tasks.get(&deleted.id).map(|held| held.version) != Some(expected) {
            return Ok(Written::Stale);
        }
        if !self.children(deleted.id).is_empty() {
            return Err(Error::Conflict(Conflict::HasSubtasks));
        }
        self.tasks.remove(&deleted.id);
        self.deleted.push(deleted.clone());
        self.events.push(event.clone());
        Ok(Written::Applied)
    }

    fn apply(&mut self, change: &Change) {
        let written = match change {
            Change::Create(task, event) => self.create(task, event).map(|()| Written::Applied),
            Change::Update(task, event) => {
                let before = Version::new(task.version.get() - 1).unwrap();
                self.update(task, before, event)
            }
            Change::Delete { deleted, from, event } => self.delete(deleted, *from, event),
        };
        let written = written.expect("every state in between keeps the rules");
        assert_eq!(written, Written::Applied, "{change:?}");
    }

    fn judge_place(&self, task: &Task) -> Result<(), Error> {
        let Some(parent) = task.fields.parent_id else {
            return Ok(());
        };
        let above = self.above(parent);
        if above.is_empty() {
            return Err(unknown_parent());
        }
        let survey = TreeSurvey {
            parent_depth: Some(above.len() as i32),
            is_cycle: above.contains(&task.id),
            height: self.height(task.id),
        };
        survey.judge()
    }

    fn judge_external_id(&self, task: &Task) -> Result<(), Error> {
        let wanted = &task.fields.external_id;
        let mut others = self.tasks.values().filter(|other| other.id != task.id);
        if wanted.is_some() && others.any(|other| other.fields.external_id == *wanted) {
            return Err(Error::Conflict(Conflict::ExternalIdTaken));
        }
        Ok(())
    }

    /// The task, its parent, and so on; nothing if there is no such task.
    fn above(&self, id: TaskId) -> Vec<TaskId> {
        let first = self.tasks.get(&id);
        let tasks = std::iter::successors(first, |task| self.tasks.get(&task.fields.parent_id?));
        tasks.map(|task| task.id).collect()
    }

    fn children(&self, id: TaskId) -> Vec<TaskId> {
        let tasks = self.tasks.values();
        let below = tasks.filter(|task| task.fields.parent_id == Some(id));
        below.map(|task| task.id).collect()
    }

    fn height(&self, id: TaskId) -> i32 {
        let below = self.children(id).into_iter().map(|child| self.height(child));
        1 + below.max().unwrap_or(0)
    }

    /// The task first, and every task after its parent.
    fn subtree(&self, root: TaskId) -> Vec<Task> {
        let mut children: HashMap<TaskId, Vec<&Task>> = HashMap::new();
        for task in self.tasks.values() {
            if let Some(parent) = task.fields.parent_id {
                children.entry(parent).or_default().push(task);
            }
        }
        let mut found: Vec<Task> = self.tasks.get(&root).cloned().into_iter().collect();
        let mut seen = 0;
        while seen < found.len() {
            let below = children.remove(&found[seen].id).unwrap_or_default();
            found.extend(below.into_iter().cloned());
            seen += 1;
        }
        found
    }

    fn view(&self, scope: &Scope) -> Result<View, Error> {
        match scope {
            Scope::Tasks(scope) => self.view_of_tasks(scope),
            Scope::Subtree { root, at_most } => {
                let tasks = self.subtree(*root);
                refuse_above(*at_most, tasks.len())?;
                Ok(View {
                    tasks,
                    ..View::default()
                })
            }
        }
    }

    fn view_of_tasks(&self, scope: &TasksScope) -> Result<View, Error> {
        let mut linked: HashSet<TaskId> = HashSet::new();
        linked.extend(scope.parents.iter().flat_map(|parent| self.above(*parent)));
        for moved in &scope.moved {
            let below = self.subtree(*moved).into_iter().skip(1);
            let below: Vec<TaskId> = below.map(|task| task.id).collect();
            refuse_above(TasksScope::MAX_BELOW, below.len())?;
            linked.extend(below);
        }
        for deleted in &scope.deleted {
            let children = self.children(*deleted).into_iter();
            linked.extend(children.take(TasksScope::MAX_CHILDREN));
        }
        let wanted: HashSet<&TaskId> = scope.tasks.iter().collect();
        let holders = self.tasks.values().filter_map(|task| {
            let external_id = task.fields.external_id.clone()?;
            scope
                .external_ids
                .contains(&external_id)
                .then_some((external_id, task.id))
        });
        Ok(View {
            tasks: wanted
                .into_iter()
                .filter_map(|id| self.tasks.get(id))
                .cloned()
                .collect(),
            links: linked
                .into_iter()
                .map(|id| (id, self.tasks[&id].fields.parent_id))
                .collect(),
            external_ids: holders.collect(),
        })
    }

    fn remembered(&self, claim: &KeyClaim) -> Option<RememberedAnswer> {
        let kept = self.claims.get(&(claim.scope, claim.key.clone()))?;
        let expired = kept.claim.claimed_at < claim.expires_before();
        (!expired).then(|| RememberedAnswer {
            fingerprint: kept.claim.fingerprint,
            answer: kept.answer.clone(),
        })
    }

    fn remember(&mut self, claim: AnsweredClaim) {
        let key = (claim.claim.scope, claim.claim.key.clone());
        self.claims.insert(key, claim);
    }
}

fn refuse_above(at_most: usize, count: usize) -> Result<(), Error> {
    if count > at_most {
        return Err(Error::Conflict(Conflict::SubtreeTooLarge { at_most }));
    }
    Ok(())
}

impl MemoryRepository {
    /// A repository in which these tasks stand.
    pub fn holding(tasks: impl IntoIterator<Item = Task>) -> Self {
        let tasks = tasks.into_iter().map(|task| (task.id, task)).collect();
        Self {
            state: Mutex::new(State {
                tasks,
                ..State::default()
            }),
            ..Self::default()
        }
    }

    /// What is stored now.
    pub fn state(&self) -> State {
        self.state.lock().unwrap().clone()
    }

    /// How many writes reached it.
    pub fn attempts(&self) -> u32 {
        *self.attempts.lock().unwrap()
    }

    /// The values of the events, oldest first.
    pub fn payloads(&self) -> Vec<String> {
        let events = self.state().events.into_iter();
        events
            .map(|event| String::from_utf8(event.payload.to_vec()).unwrap())
            .collect()
    }

    fn arrive(&self) -> Result<std::sync::MutexGuard<'_, State>, Error> {
        *self.attempts.lock().unwrap() += 1;
        if self.answer_lost {
            return Err(Error::OutcomeUnknown {
                cause: "connection reset".into(),
            });
        }
        let mut state = self.state.lock().unwrap();
        if let Some(rival) = self.rivals.lock().unwrap().pop_front() {
            rival(&mut state);
        } else if let Some(rival) = self.endless_rival {
            rival(&mut state);
        }
        Ok(state)
    }
}

#[async_trait]
impl TaskRepository for MemoryRepository {
    async fn create(&self, task: &Task, event: &EncodedEvent) -> Result<(), Error> {
        self.arrive()?.create(task, event)
    }

    async fn create_once(
        &self,
        task: &Task,
        event: &EncodedEvent,
        claim: &AnsweredClaim,
    ) -> Result<Once<()>, Error> {
        let mut state = self.arrive()?;
        if let Some(answer) = state.remembered(&claim.claim) {
            return Ok(Once::Taken(answer));
        }
        state.create(task, event)?;
        state.remember(claim.clone());
        Ok(Once::First(()))
    }

    async fn update(&self, task: &Task, expected: Version, event: &EncodedEvent) -> Result<Written, Error> {
        self.arrive()?.update(task, expected, event)
    }

    async fn delete(
        &self,
        deleted: &DeletedTask,
        expected: Version,
        event: &EncodedEvent,
    ) -> Result<Written, Error> {
        self.arrive()?.delete(deleted, expected, event)
    }

    async fn find(&self, id: TaskId) -> Result<Option<Task>, Error> {
        Ok(self.state.lock().unwrap().tasks.get(&id).cloned())
    }

    async fn decide(
        &self,
        decision: Arc<dyn Decision>,
        claim: Option<&KeyClaim>,
    ) -> Result<Once<Vec<Result<Receipt, Error>>>, Error> {
        let mut state = self.state.lock().unwrap();
        if let Some(answer) = claim.and_then(|claim| state.remembered(claim)) {
            return Ok(Once::Taken(answer));
        }
        while let Some(rival) = self.rivals.lock().unwrap().pop_front() {
            *self.attempts.lock().unwrap() += 1;
            let undone = state
                .view(&decision.scope())
                .and_then(|view| decision.decide(view));
            drop(undone);
            rival(&mut state);
        }
        *self.attempts.lock().unwrap() += 1;
        let verdict = decision.decide(state.view(&decision.scope())?)?;
        let mut next = state.clone();
        for change in &verdict.changes {
            next.apply(change);
        }
        match (claim, verdict.answer) {
            (Some(claim), Some(answer)) => next.remember(claim.clone().answered(answer)),
            (Some(_), None) => assert_eq!(verdict.changes, [], "changes without what to keep"),
            (None, answer) => assert_eq!(answer, None, "nobody claimed a key"),
        }
        *state = next;
        Ok(Once::First(verdict.results))
    }

    async fn list(&self, query: &ListQuery) -> Result<Vec<Task>, Error> {
        let state = self.state();
        let place = |task: &Task| ListPosition::behind(task, query.order.key);
        let mut tasks: Vec<Task> = state.tasks.into_values().collect();
        tasks.retain(|task| matches(&query.filter, task));
        if let Some(after) = &query.after {
            tasks.retain(|task| compare(query.order, &place(task), after) == Ordering::Greater);
        }
        tasks.sort_by(|a, b| compare(query.order, &place(a), &place(b)));
        tasks.truncate(query.limit as usize);
        Ok(tasks)
    }

    async fn signing_key(&self) -> Result<[u8; 32], Error> {
        *self.keys_read.lock().unwrap() += 1;
        Ok([7; 32])
    }

    async fn forget_claims(&self, claimed_before: Timestamp, at_most: u32) -> Result<u64, Error> {
        *self.attempts.lock().unwrap() += 1;
        if self.answer_lost {
            return Err(Error::OutcomeUnknown {
                cause: "connection reset".into(),
            });
        }
        let mut state = self.state.lock().unwrap();
        let claims = state.claims.iter();
        let expired = claims.filter(|(_, kept)| kept.claim.claimed_at < claimed_before);
        let expired: Vec<_> = expired
            .map(|(key, _)| key.clone())
            .take(at_most as usize)
            .collect();
        for key in &expired {
            state.claims.remove(key);
        }
        Ok(expired.len() as u64)
    }
}

fn matches(filter: &ListFilter, task: &Task) -> bool {
    let fields = &task.fields;
    let due = fields.dates.due();
    filter.is_done.is_none_or(|done| fields.is_done == done)
        && filter.priority.is_none_or(|priority| fields.priority == priority)
        && filter
            .category
            .as_ref()
            .is_none_or(|name| fields.categories.as_slice().contains(name))
        && filter
            .parent_id
            .is_none_or(|parent| fields.parent_id == Some(parent))
        && filter
            .external_id
            .as_ref()
            .is_none_or(|id| fields.external_id.as_ref() == Some(id))
        && filter
            .due_before
            .is_none_or(|limit| due.is_some_and(|due| due < limit))
        && filter
            .due_after
            .is_none_or(|limit| due.is_some_and(|due| due > limit))
}

fn compare(order: ListOrder, a: &ListPosition, b: &ListPosition) -> Ordering {
    let directed = |ordering: Ordering| {
        if order.descending {
            ordering.reverse()
        } else {
            ordering
        }
    };
    let by_rank = match (a.rank, b.rank) {
        (ListRank::Time(None), ListRank::Time(None)) => Ordering::Equal,
        // Last in both directions.
        (ListRank::Time(None), _) => Ordering::Greater,
        (_, ListRank::Time(None)) => Ordering::Less,
        (ListRank::Time(a), ListRank::Time(b)) => directed(a.cmp(&b)),
        (ListRank::Priority(a), ListRank::Priority(b)) => directed(a.cmp(&b)),
        mixed => panic!("ranks of two kinds: {mixed:?}"),
    };
    by_rank.then(directed(a.id.cmp(&b.id)))
}
