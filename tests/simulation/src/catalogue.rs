//! What can stand in the topic. Events are encoded and dispatched by the product's own code, once each: content is
//! decided by task and version alone, so one catalogue serves every seed.

use std::cell::RefCell;
use std::collections::HashMap;

use bytes::Bytes;
use serde_json::json;
use taskwire_dispatch::{Dispatched, HandlerMap, Poison};
use taskwire_domain::{
    DeletedTask, Document, EncodedEvent, IndexOperation, Position, Record, Task, TaskEvent, TaskId,
    Timestamp, Version,
};
use uuid::Uuid;

/// Numbers from here on are tasks of somebody who writes to our topic; the index refuses every second version of them.
pub(crate) const FOREIGN: u64 = 1_000;

/// A change of a task: created with version 1, deleted or updated with a later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Event {
    pub(crate) task: u64,
    pub(crate) version: i64,
    pub(crate) deleted: bool,
}

impl Event {
    /// Whether the index refuses it for ever.
    pub(crate) fn is_refused(self) -> bool {
        self.task >= FOREIGN && self.version % 2 == 0
    }
}

/// What an offset of the topic holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Content {
    Event(Event),
    NotJson,
    UnknownType,
    /// A record without a value.
    Null,
    /// Nothing is ever delivered for this offset: a control record, or compaction.
    Hole,
}

/// A document as the model sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Doc {
    pub(crate) version: i64,
    pub(crate) deleted: bool,
}

#[derive(Clone)]
struct Entry {
    value: Option<Bytes>,
    dispatched: Result<Option<IndexOperation>, Poison>,
}

#[derive(Default)]
struct Catalogue {
    handlers: Option<HandlerMap<IndexOperation>>,
    entries: HashMap<Content, Entry>,
}

impl Catalogue {
    fn entry(&mut self, content: Content) -> &Entry {
        let handlers = self.handlers.get_or_insert_with(taskwire_indexer::handlers);
        self.entries.entry(content).or_insert_with(|| {
            let value = value(content);
            let record = record(FIRST, value.clone());
            Entry {
                dispatched: handlers.dispatch(&record),
                value,
            }
        })
    }
}

thread_local! {
    static CATALOGUE: RefCell<Catalogue> = RefCell::default();
}

const FIRST: Position = Position {
    partition: taskwire_domain::Partition(0),
    offset: 0,
};

fn record(position: Position, value: Option<Bytes>) -> Record {
    Record {
        position,
        key: None,
        value,
        headers: Vec::new(),
        time: None,
    }
}

fn value(content: Content) -> Option<Bytes> {
    match content {
        Content::Event(event) => Some(payload(event)),
        Content::NotJson => Some(Bytes::from_static(b"not json")),
        Content::UnknownType => Some(Bytes::from_static(br#"{"type":"Task.Folded","value":{}}"#)),
        Content::Null | Content::Hole => None,
    }
}

fn moment() -> Timestamp {
    Timestamp::from_unix_millis(1_777_626_000_000).expect("a moment of our time")
}

fn payload(event: Event) -> Bytes {
    let encoded = if event.deleted {
        let deleted = DeletedTask {
            id: task_id(event.task),
            version: version(event.version),
            deleted_at: moment(),
        };
        TaskEvent::Deleted(&deleted).encode(None)
    } else {
        let task = json!({
            "id": task_id(event.task), "externalId": null,
            "description": format!("task {} as of version {}", event.task, event.version),
            "priority": "low", "dates": {"start": null, "due": null}, "isDone": false, "parentId": null,
            "categories": [], "createdAt": moment(), "updatedAt": moment(), "completedAt": null,
            "version": event.version,
        });
        let task: Task = serde_json::from_value(task).expect("a task");
        match event.version {
            1 => TaskEvent::Created(&task).encode(None),
            _ => TaskEvent::Updated(&task).encode(None),
        }
    };
    encoded.expect("an event that can be encoded").payload
}

pub(crate) fn task_id(task: u64) -> TaskId {
    TaskId::from_uuid(Uuid::from_u128(u128::from(task)))
}

fn version(version: i64) -> Version {
    Version::new(version).expect("versions start at 1")
}

/// The number of a task.
pub(crate) fn number(id: TaskId) -> u64 {
    u64::try_from(id.as_uuid().as_u128()).expect("an id of the simulation")
}

/// The event in its final form. Headers are left out: nothing on this way looks at them.
pub(crate) fn encoded(event: Event) -> EncodedEvent {
    let value = CATALOGUE.with_borrow_mut(|catalogue| catalogue.entry(Content::Event(event)).value.clone());
    EncodedEvent {
        task_id: task_id(event.task),
        version: version(event.version),
        payload: value.expect("events have values"),
        headers: Vec::new(),
    }
}

/// What an encoded event says.
pub(crate) fn decoded(event: &EncodedEvent) -> Event {
    Event {
        task: number(event.task_id),
        version: event.version.get(),
        deleted: event.payload.starts_with(br#"{"type":"Task.Deleted""#),
    }
}

/// The record and what the product's handlers make of it.
pub(crate) fn dispatched(position: Position, content: Content) -> Dispatched<IndexOperation> {
    CATALOGUE.with_borrow_mut(|catalogue| {
        let entry = catalogue.entry(content);
        (record(position, entry.value.clone()), entry.dispatched.clone())
    })
}

/// The operation that brings a document to this state, as a rebuild makes it from a row.
pub(crate) fn operation(event: Event) -> IndexOperation {
    let (_, dispatched) = dispatched(FIRST, Content::Event(event));
    dispatched.ok().flatten().expect("our own events are understood")
}

/// What an operation makes of a document.
pub(crate) fn document(operation: &IndexOperation) -> (u64, Doc) {
    let doc = Doc {
        version: operation.version.get(),
        deleted: matches!(operation.document, Document::Tombstone { .. }),
    };
    (number(operation.id), doc)
}
