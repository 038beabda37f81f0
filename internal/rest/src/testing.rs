//! The router over ports in memory, for the tests of this crate.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use taskwire_conformance::memory_repository::MemoryRepository;
use taskwire_domain::{
    AnsweredClaim, Clock, ConsistencyToken, Decision, DeletedTask, Dependency, EncodedEvent, Error, IdSource,
    KeyClaim, ListQuery, MistypedText, Once, Receipt, SearchFilter, SearchPage, SearchQuery, Task, TaskId,
    TaskRepository, TaskSearch, Timestamp, Unreachable, Version, WalkPage, WalkPosition, WalkStep, Written,
};
use taskwire_service::TaskService;
use tower::ServiceExt;
use uuid::Uuid;

use crate::docs::adherence::assert_documented;
use crate::{AppState, Readiness, RestConfig, router};

/// The id of the first task that a test creates; the next ones count on from it.
pub(crate) const TASK: &str = "0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a10";
/// An id that no task has.
pub(crate) const NOBODY: &str = "0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7aff";
/// The time, always.
pub(crate) const NOW: &str = "2026-05-01T09:00:00.000Z";

/// What a port does when it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behaviour {
    Answers,
    Hangs,
    Panics,
    IsAway,
    LosesTheAnswer,
}

async fn behave(behaviour: Behaviour) -> Result<(), Error> {
    match behaviour {
        Behaviour::Answers => Ok(()),
        Behaviour::Hangs => std::future::pending().await,
        Behaviour::Panics => panic!("secret of the inside"),
        Behaviour::IsAway => Err(Error::Unavailable {
            dependency: "postgresql",
            retry_after: std::time::Duration::from_secs(2),
            cause: "secret of the inside".into(),
        }),
        Behaviour::LosesTheAnswer => Err(Error::OutcomeUnknown {
            cause: "secret of the inside".into(),
        }),
    }
}

/// Tasks in memory, and every event that was written with them.
pub(crate) struct FakeRepository {
    behaviour: Mutex<Behaviour>,
    memory: MemoryRepository,
}

impl FakeRepository {
    async fn behave(&self) -> Result<(), Error> {
        let behaviour = *self.behaviour.lock().unwrap();
        behave(behaviour).await
    }
}

#[async_trait]
impl TaskRepository for FakeRepository {
    async fn create(&self, task: &Task, event: &EncodedEvent) -> Result<(), Error> {
        self.behave().await?;
        self.memory.create(task, event).await
    }

    async fn create_once(
        &self,
        task: &Task,
        event: &EncodedEvent,
        claim: &AnsweredClaim,
    ) -> Result<Once<()>, Error> {
        self.behave().await?;
        self.memory.create_once(task, event, claim).await
    }

    async fn update(&self, task: &Task, expected: Version, event: &EncodedEvent) -> Result<Written, Error> {
        self.behave().await?;
        self.memory.update(task, expected, event).await
    }

    async fn delete(
        &self,
        deleted: &DeletedTask,
        expected: Version,
        event: &EncodedEvent,
    ) -> Result<Written, Error> {
        self.behave().await?;
        self.memory.delete(deleted, expected, event).await
    }

    async fn find(&self, id: TaskId) -> Result<Option<Task>, Error> {
        self.behave().await?;
        self.memory.find(id).await
    }

    async fn decide(
        &self,
        decision: Arc<dyn Decision>,
        claim: Option<&KeyClaim>,
    ) -> Result<Once<Vec<Result<Receipt, Error>>>, Error> {
        self.behave().await?;
        self.memory.decide(decision, claim).await
    }

    async fn list(&self, query: &ListQuery) -> Result<Vec<Task>, Error> {
        self.behave().await?;
        self.memory.list(query).await
    }

    async fn signing_key(&self) -> Result<[u8; 32], Error> {
        self.behave().await?;
        self.memory.signing_key().await
    }

    async fn forget_claims(&self, claimed_before: Timestamp, at_most: u32) -> Result<u64, Error> {
        self.behave().await?;
        self.memory.forget_claims(claimed_before, at_most).await
    }
}

/// A text with this word finds nothing; what resembles it finds a task whose description is "old".
pub(crate) const MISTYPED: &str = "xold";

/// Finds every task of the repository but for [`MISTYPED`], and remembers what it was asked.
pub(crate) struct FakeSearch {
    repository: Arc<FakeRepository>,
    asked: Mutex<Vec<SearchQuery>>,
    /// Walks that began in another time have lost their view.
    time: AtomicU32,
    walked: AtomicU32,
}

#[async_trait]
impl TaskSearch for FakeSearch {
    async fn search(&self, query: &SearchQuery) -> Result<SearchPage, Error> {
        self.asked.lock().unwrap().push(query.clone());
        self.repository.behave().await?;
        let mut tasks: Vec<_> = self.repository.memory.state().tasks.into_values().collect();
        let mut words = query.text.iter().flat_map(|text| text.words());
        if words.any(|word| word.word == MISTYPED) {
            tasks.clear();
        }
        Ok(SearchPage {
            total: tasks.len() as u64,
            tasks,
            facets: query.facets.iter().map(|&facet| (facet, Vec::new())).collect(),
        })
    }

    /// As many tasks as the page has room for; the position is the time, and how many were passed.
    async fn walk(&self, query: &SearchQuery, step: &WalkStep) -> Result<WalkPage, Error> {
        self.walked.fetch_add(1, Ordering::SeqCst);
        let time = self.time.load(Ordering::SeqCst);
        let passed = match step {
            WalkStep::Begin => 0,
            WalkStep::Continue(position) => {
                let (began, passed) = position.as_bytes().split_at(4);
                if *began != time.to_be_bytes() {
                    return Err(Error::ViewGone);
                }
                u32::from_be_bytes(passed.try_into().unwrap())
            }
        };
        let mut page = self.search(query).await?;
        let end = passed + query.window.size;
        page.tasks = page
            .tasks
            .into_iter()
            .take(end as usize)
            .skip(passed as usize)
            .collect();
        let position = [time.to_be_bytes(), end.to_be_bytes()].concat();
        let next = (u64::from(end) < page.total).then(|| WalkPosition::from_bytes(position));
        Ok(WalkPage { page, next })
    }

    async fn likest(&self, _: &MistypedText, _: &SearchFilter) -> Result<Vec<Task>, Error> {
        self.repository.behave().await?;
        Ok(self.repository.memory.state().tasks.into_values().collect())
    }

    /// Sees the first version of each task.
    async fn await_writes(&self, writes: &[ConsistencyToken], _: Duration) -> Result<bool, Error> {
        self.repository.behave().await?;
        Ok(writes.iter().all(|write| write.version == Version::FIRST))
    }
}

/// Something that can be asked whether it is there.
pub(crate) struct FakeDependency {
    name: &'static str,
    behaviour: Mutex<Behaviour>,
    asked: AtomicU32,
}

impl FakeDependency {
    pub(crate) fn new(name: &'static str, behaviour: Behaviour) -> Self {
        Self {
            name,
            behaviour: Mutex::new(behaviour),
            asked: AtomicU32::new(0),
        }
    }

    pub(crate) fn now(&self, behaviour: Behaviour) {
        *self.behaviour.lock().unwrap() = behaviour;
    }

    pub(crate) fn times_asked(&self) -> u32 {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Dependency for FakeDependency {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn check(&self) -> Result<(), Unreachable> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let behaviour = *self.behaviour.lock().unwrap();
        behave(behaviour).await.map_err(|cause| Unreachable {
            dependency: self.name,
            cause: cause.into(),
        })
    }
}

struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        NOW.parse().unwrap()
    }
}

/// Begins with [`TASK`].
#[derive(Default)]
struct CountedIds {
    made: AtomicU32,
}

impl IdSource for CountedIds {
    fn next_id(&self) -> TaskId {
        let first: TaskId = TASK.parse().unwrap();
        let made = self.made.fetch_add(1, Ordering::SeqCst);
        TaskId::from_uuid(Uuid::from_u128(first.as_uuid().as_u128() + u128::from(made)))
    }
}

/// The whole API over ports in memory.
pub(crate) struct TestApi {
    pub(crate) router: Router,
    pub(crate) postgresql: Arc<FakeDependency>,
    pub(crate) kafka: Arc<FakeDependency>,
    repository: Arc<FakeRepository>,
    search: Arc<FakeSearch>,
}

impl TestApi {
    pub(crate) fn new() -> Self {
        Self::with(RestConfig::default())
    }

    /// An API that treats its callers in this way.
    pub(crate) fn with(config: RestConfig) -> Self {
        let repository = Arc::new(FakeRepository {
            behaviour: Mutex::new(Behaviour::Answers),
            memory: MemoryRepository::default(),
        });
        let search = Arc::new(FakeSearch {
            repository: Arc::clone(&repository),
            asked: Mutex::default(),
            time: AtomicU32::default(),
            walked: AtomicU32::default(),
        });
        let postgresql = Arc::new(FakeDependency::new("postgresql", Behaviour::Answers));
        let kafka = Arc::new(FakeDependency::new("kafka", Behaviour::Answers));
        let state = AppState {
            tasks: Arc::new(TaskService::new(
                Arc::clone(&repository) as Arc<dyn TaskRepository>,
                Arc::clone(&search) as Arc<dyn TaskSearch>,
                Arc::new(FixedClock),
                Arc::new(CountedIds::default()),
            )),
            readiness: Arc::new(Readiness::new(
                vec![Arc::clone(&postgresql) as Arc<dyn Dependency>],
                vec![Arc::clone(&kafka) as Arc<dyn Dependency>],
            )),
            config: Arc::new(config),
        };
        Self {
            router: router(state),
            postgresql,
            kafka,
            repository,
            search,
        }
    }

    /// An API with one task, `{"description": "old"}`, at version 1.
    pub(crate) async fn with_a_task() -> Self {
        let api = Self::new();
        let created = api.send(post("/tasks", r#"{"description": "old"}"#)).await;
        assert_eq!(created.status, StatusCode::CREATED);
        api
    }

    /// From now on, the repository and the search do this.
    pub(crate) fn engines_now(&self, behaviour: Behaviour) {
        *self.repository.behaviour.lock().unwrap() = behaviour;
    }

    /// The answer as it leaves the router.
    pub(crate) async fn raw(&self, request: Request<Body>) -> Response<Body> {
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// The answer, read whole, and known to be what the OpenAPI document says of it.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let (parts, body) = self.raw(request).await.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = if bytes.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&bytes).unwrap()
        };
        let answer = Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        };
        assert_documented(
            &method,
            &path,
            answer.status.as_u16(),
            &answer.headers,
            &answer.body,
        );
        answer
    }

    /// Everything that was ever written, as `(event payload, traceparent)`.
    pub(crate) fn events(&self) -> Vec<(Value, Option<String>)> {
        let events = self.repository.memory.state().events.into_iter();
        events
            .map(|event| {
                let trace = event.headers.iter().find(|(name, _)| name == "traceparent");
                let payload = serde_json::from_slice(&event.payload).unwrap();
                (payload, trace.map(|(_, value)| value.clone()))
            })
            .collect()
    }

    /// The tasks that are there, by what is to be done.
    pub(crate) fn descriptions(&self) -> Vec<String> {
        let tasks = self.repository.memory.state().tasks;
        tasks
            .values()
            .map(|task| task.fields.description.as_str().to_owned())
            .collect()
    }

    /// From now on, no walk that has begun can go on.
    pub(crate) fn forget_views(&self) {
        self.search.time.fetch_add(1, Ordering::SeqCst);
    }

    /// How many pages of walks were asked for.
    pub(crate) fn pages_walked(&self) -> u32 {
        self.search.walked.load(Ordering::SeqCst)
    }

    /// Every query that reached the search.
    pub(crate) fn queries(&self) -> Vec<SearchQuery> {
        self.search.asked.lock().unwrap().clone()
    }
}

/// An answer, read whole; `Null` for an empty body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    /// A header's text, "" when it is absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Asserts that this is a sound problem document and returns its status and code.
    #[track_caller]
    pub(crate) fn problem(&self) -> (u16, &str) {
        let status = self.status.as_u16();
        let document = &self.body;
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{self:?}"
        );
        assert_eq!(document["status"], status, "{document}");
        assert_eq!(document["requestId"], self.header("x-request-id"), "{document}");
        assert!(!self.header("x-request-id").is_empty(), "{self:?}");
        let code = document["code"].as_str().unwrap();
        assert_eq!(
            document["type"],
            format!("urn:taskwire:problem:{code}"),
            "{document}"
        );
        for member in ["title", "detail"] {
            assert!(!document[member].as_str().unwrap().is_empty(), "{document}");
        }
        assert_eq!(document.get("errors").is_some(), status == 400, "{document}");
        assert!(!document.to_string().contains("secret"), "{document}");
        (status, code)
    }

    /// The wrong fields of a 400, each as `place code`.
    #[track_caller]
    pub(crate) fn wrong_fields(&self) -> Vec<String> {
        let errors = self.body["errors"].as_array().unwrap();
        errors
            .iter()
            .map(|error| {
                let place = ["pointer", "parameter", "header"]
                    .into_iter()
                    .find_map(|kind| error.get(kind)?.as_str())
                    .unwrap();
                assert!(!error["detail"].as_str().unwrap().is_empty(), "{error}");
                format!("{place} {}", error["code"].as_str().unwrap())
            })
            .collect()
    }
}

/// A request without a body.
pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    if headers.iter().all(|(name, _)| *name != "host") {
        request = request.header("host", "tasks.test");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::empty()).unwrap()
}

/// A request with a JSON body.
pub(crate) fn json_request(
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Body>,
) -> Request<Body> {
    let mut request = request(method, path, headers).map(|_| body.into());
    request
        .headers_mut()
        .insert("content-type", "application/json".parse().unwrap());
    request
}

/// A POST of JSON.
pub(crate) fn post(path: &str, body: &str) -> Request<Body> {
    json_request("POST", path, &[], body.to_owned())
}
