//! The vocabulary of Taskwire: tasks, their events, searches, errors, and the ports through which the rest of
//! the system reaches a database, a broker and a search engine.
//!
//! A port is a trait that stands beside the types it speaks: [`TaskRepository`] in `repository`, [`Outbox`] and
//! [`EventPublisher`] in `outbox`, [`EventSource`] and [`DeadLetterQueue`] in `stream`, [`TaskIndex`] in `index`,
//! [`TaskSearch`] in `search`, [`Clock`] and [`IdSource`] in `source`, [`TombstoneRows`] and what else a purge needs in
//! `tombstone`, [`IndexedStates`] and [`StoredStates`] in `history`.
//!
//! To add an adapter, implement the port in a crate of its own and name it in one binary's `main.rs`.
//!
//! This crate must not do I/O, read a clock, know a transport or depend on any other crate of the workspace.

mod decision;
mod dependency;
mod error;
mod event;
mod hierarchy;
mod history;
mod idempotency;
mod index;
mod likeness;
mod list;
mod outbox;
mod patch;
mod receipt;
mod repository;
mod search;
mod search_facets;
mod search_highlight;
mod search_text;
mod search_walk;
mod source;
mod stream;
mod suggestion;
mod task;
mod text;
mod timestamp;
mod tombstone;
mod words;

pub use decision::{Change, Decision, Scope, TasksScope, Verdict, View};
pub use dependency::{Dependency, Unreachable};
pub use error::{BoxError, Chain, Conflict, Error, FieldError, Location, Violation};
pub use event::{DeletedTask, EncodedEvent, EventKind, TaskEvent};
pub use hierarchy::{MAX_DEPTH, TreeSurvey, unknown_parent};
pub use history::{IndexedStates, KnownDocument, KnownState, StoredStates};
pub use idempotency::{AnsweredClaim, Fingerprint, KEY_DAYS, KeyClaim, Once, RememberedAnswer};
pub use index::{Document, IndexFault, IndexOperation, ItemOutcome, TaskIndex};
pub use likeness::{Likeness, LikenessState};
pub use list::{ListFilter, ListKey, ListOrder, ListPosition, ListQuery, ListRank};
pub use outbox::{EventPublisher, OUTBOX, Outbox, OutboxFault, OutboxRecord, OutboxSession, PublishFault};
pub use patch::{DatesPatch, TaskPatch};
pub use receipt::{ConsistencyToken, Receipt};
pub use repository::{TaskRepository, Written};
pub use search::{SearchFilter, SearchOrder, SearchPage, SearchQuery, SearchWindow, TaskSearch, TimeRange};
pub use search_facets::{Facet, FacetCount, FacetValue};
pub use search_highlight::Highlighter;
pub use search_text::{SearchText, TypedWord};
pub use search_walk::{WalkPage, WalkPosition, WalkStep};
pub use source::{Clock, IdSource, SystemClock, SystemIds};
pub use stream::{
    DeadLetter, DeadLetterQueue, EventSource, ParkFault, Partition, Position, Record, RevocationGuard,
    SourceEvent, SourceFault,
};
pub use suggestion::{MistypedText, MistypedWord};
pub use task::{Categories, Dates, Priority, Task, TaskFields, TaskId, Version};
pub use text::{Description, ExternalId};
pub use timestamp::Timestamp;
pub use tombstone::{
    EventTopic, ExtentFault, NotedEnds, PurgeLedger, PurgeStage, PurgeSurvey, Purged, Tombstone,
    TombstoneDocuments, TombstoneRows, TopicExtent, Watermarks,
};
pub use words::{WordSplitter, lowercase, lowercase_char, words};
