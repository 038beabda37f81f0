//! Tasks and events for the suites to write.

use taskwire_domain::{
    Categories, Clock as _, Dates, DeletedTask, Description, EncodedEvent, ExternalId, IdSource as _,
    Priority, SystemClock, SystemIds, Task, TaskEvent, TaskFields, Version,
};

/// The fields of a task with nothing but a description.
pub fn fields(description: &str) -> TaskFields {
    TaskFields {
        external_id: None,
        description: Description::parse(description.into()).unwrap(),
        priority: Priority::None,
        dates: Dates::default(),
        is_done: false,
        parent_id: None,
        categories: Categories::default(),
    }
}

/// Every field as large, as far out or as awkward as the rules allow.
pub fn extreme_fields() -> TaskFields {
    let name = |index: u32| format!("{index:02}{}", "ß".repeat(62));
    TaskFields {
        external_id: Some(ExternalId::parse("𝕏".repeat(255)).unwrap()),
        description: Description::parse("🦀".repeat(4_096)).unwrap(),
        priority: Priority::High,
        dates: Dates::new(
            Some("0001-01-01T00:00:00.001Z".parse().unwrap()),
            Some("9999-12-31T23:59:59.999Z".parse().unwrap()),
        )
        .unwrap(),
        is_done: true,
        parent_id: None,
        categories: Categories::parse((0..32).rev().map(name).collect()).unwrap(),
    }
}

/// A task that nobody has stored.
pub fn new_task(fields: TaskFields) -> Task {
    Task::create(SystemIds.next_id(), fields, SystemClock.now())
}

/// A new task below `parent`.
pub fn below(parent: &Task) -> Task {
    new_task(TaskFields {
        parent_id: Some(parent.id),
        ..fields("below")
    })
}

/// A new task with an external id.
pub fn keyed(external_id: &str) -> Task {
    new_task(TaskFields {
        external_id: Some(ExternalId::parse(external_id.into()).unwrap()),
        ..fields("keyed")
    })
}

/// The next version of `task`, below `parent`.
pub fn moved(task: &Task, parent: Option<&Task>) -> Task {
    let fields = TaskFields {
        parent_id: parent.map(|parent| parent.id),
        ..task.fields.clone()
    };
    task.with_fields(fields, SystemClock.now()).unwrap()
}

/// The next version of `task`, with another description.
pub fn described(task: &Task, description: &str) -> Task {
    let fields = TaskFields {
        description: Description::parse(description.into()).unwrap(),
        ..task.fields.clone()
    };
    task.with_fields(fields, SystemClock.now()).unwrap()
}

/// The event of a new task.
pub fn created(task: &Task) -> EncodedEvent {
    TaskEvent::Created(task).encode(None).unwrap()
}

/// The event of a changed task.
pub fn updated(task: &Task) -> EncodedEvent {
    TaskEvent::Updated(task).encode(None).unwrap()
}

/// What remains of `task`, its version, and the event.
pub fn deletion(task: &Task) -> (DeletedTask, Version, EncodedEvent) {
    let deleted = DeletedTask {
        id: task.id,
        version: task.version.next(),
        deleted_at: SystemClock.now(),
    };
    let event = TaskEvent::Deleted(&deleted).encode(None).unwrap();
    (deleted, task.version, event)
}
