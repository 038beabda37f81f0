//! One write or read after the other.

use taskwire_domain::{Conflict, EncodedEvent, Error, Task, TaskEvent, TaskFields, TaskId, Version, Written};
use uuid::Uuid;

use super::{Backend, create_below, remove, replace, stored};
use crate::tasks::{created, deletion, described, extreme_fields, fields, keyed, new_task, updated};

/// Whatever the rules of a task allow comes back unchanged.
pub async fn every_field_reads_back_exactly<B: Backend>() {
    let backend = B::start().await;
    let tasks = backend.repository();
    let parent = stored(&*tasks).await;
    let extreme = Task {
        created_at: "1969-12-31T23:59:59.999Z".parse().unwrap(),
        updated_at: "2026-05-01T09:00:00.123Z".parse().unwrap(),
        completed_at: Some("2026-02-28T23:59:59.001Z".parse().unwrap()),
        version: Version::new(i64::MAX).unwrap(),
        ..new_task(TaskFields {
            parent_id: Some(parent.id),
            ..extreme_fields()
        })
    };
    let awkward = new_task(fields(" \\ ' \" \u{1} {NULL,\"\"} [null] \u{feff}\n"));
    for task in [&extreme, &awkward] {
        tasks.create(task, &created(task)).await.unwrap();
        assert_eq!(tasks.find(task.id).await.unwrap().as_ref(), Some(task));
    }
}

/// Set fields are replaced, and so are fields that become unset.
pub async fn an_update_replaces_every_field<B: Backend>() {
    let backend = B::start().await;
    let tasks = backend.repository();
    let task = stored(&*tasks).await;
    let filled = task.with_fields(extreme_fields(), task.updated_at).unwrap();
    let emptied = filled.with_fields(fields("x"), task.updated_at).unwrap();
    for (before, after) in [(&task, &filled), (&filled, &emptied)] {
        replace(&*tasks, before, after).await;
        assert_eq!(tasks.find(task.id).await.unwrap().as_ref(), Some(after));
    }
}

/// Nothing is found where nothing is.
pub async fn a_task_that_is_not_there_is_none<B: Backend>() {
    let backend = B::start().await;
    let found = backend.repository().find(TaskId::from_uuid(Uuid::nil())).await;
    assert_eq!(found.unwrap(), None);
}

/// A write that names another version than the task's, or a task that is not there, is stale.
pub async fn a_write_at_another_version_applies_nothing<B: Backend>() {
    let backend = B::start().await;
    let tasks = backend.repository();
    let task = stored(&*tasks).await;
    let second = described(&task, "second");
    replace(&*tasks, &task, &second).await;

    let late = described(&task, "late");
    let (deleted, expected, event) = deletion(&task);
    let gone = new_task(fields("never stored"));
    let unborn = described(&gone, "gone");
    let written = [
        tasks.update(&late, task.version, &updated(&late)).await.unwrap(),
        tasks.delete(&deleted, expected, &event).await.unwrap(),
        tasks
            .update(&unborn, gone.version, &updated(&unborn))
            .await
            .unwrap(),
    ];
    assert_eq!(written, [Written::Stale; 3]);
    assert_eq!(tasks.find(task.id).await.unwrap(), Some(second));
    assert_eq!(backend.outbox().await.len(), 2);
    assert_eq!(backend.deleted_tasks().await, []);
}

/// A deleted task is remembered, and is not there.
pub async fn a_deletion_leaves_its_remains_and_no_task<B: Backend>() {
    let backend = B::start().await;
    let tasks = backend.repository();
    let task = stored(&*tasks).await;
    let deleted = remove(&*tasks, &task).await;
    assert_eq!(tasks.find(task.id).await.unwrap(), None);
    assert_eq!(backend.deleted_tasks().await, [deleted]);
}

/// Neither a new task nor a change can take another's external id.
pub async fn an_external_id_belongs_to_one_task<B: Backend>() {
    let backend = B::start().await;
    let tasks = backend.repository();
    let owner = keyed("JIRA-17");
    tasks.create(&owner, &created(&owner)).await.unwrap();
    let other = stored(&*tasks).await;
    let twin = keyed("JIRA-17");
    let renamed = other.with_fields(twin.fields.clone(), other.updated_at).unwrap();
    let refused = [
        tasks.create(&twin, &created(&twin)).await.unwrap_err(),
        tasks
            .update(&renamed, other.version, &updated(&renamed))
            .await
            .unwrap_err(),
    ];
    for error in refused {
        assert!(
            matches!(error, Error::Conflict(Conflict::ExternalIdTaken)),
            "{error:?}"
        );
    }
    assert_eq!(tasks.find(twin.id).await.unwrap(), None);
    assert_eq!(tasks.find(other.id).await.unwrap(), Some(other));
    // Keeping one's own is no conflict.
    replace(&*tasks, &owner, &described(&owner, "still mine")).await;
}

/// Once its owner is deleted or has another, an external id may be taken.
pub async fn an_external_id_that_is_given_up_is_free<B: Backend>() {
    let backend = B::start().await;
    let tasks = backend.repository();
    let first = keyed("JIRA-17");
    tasks.create(&first, &created(&first)).await.unwrap();
    remove(&*tasks, &first).await;
    let second = keyed("JIRA-17");
    tasks.create(&second, &created(&second)).await.unwrap();
    let without = second.with_fields(fields("without"), second.updated_at).unwrap();
    replace(&*tasks, &second, &without).await;
    let third = keyed("JIRA-17");
    tasks.create(&third, &created(&third)).await.unwrap();
}

/// No locale and no normalisation has a say in it.
pub async fn external_ids_are_the_same_when_every_character_is<B: Backend>() {
    let backend = B::start().await;
    let tasks = backend.repository();
    for external_id in [
        "key",
        "KEY",
        "key ",
        " key",
        "kéy",
        "ke\u{301}y",
        "ｋｅｙ",
        "1",
        "01",
        "1.0",
    ] {
        let task = keyed(external_id);
        tasks.create(&task, &created(&task)).await.unwrap();
        assert_eq!(tasks.find(task.id).await.unwrap(), Some(task));
    }
}

/// The outbox holds what each write gave it, no more and in the order of the writes.
pub async fn each_write_leaves_its_event_in_order_and_byte_for_byte<B: Backend>() {
    let backend = B::start().await;
    let tasks = backend.repository();
    let first = new_task(fields("line\nbreak \u{1f980} \"quoted\" \u{2028}"));
    let second = described(&first, "second");
    let other = new_task(fields("other"));
    let (deleted, expected, gone) = deletion(&second);
    let traced = TaskEvent::Created(&other)
        .encode(Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"))
        .unwrap();
    // Nothing is assumed about what the bytes mean.
    let opaque = EncodedEvent {
        payload: (0..=255_u8).collect::<Vec<_>>().into(),
        headers: [("b", "1"), ("a", ""), ("b", "[\"ä\",\\]")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        ..updated(&second)
    };
    tasks.create(&first, &created(&first)).await.unwrap();
    tasks.create(&other, &traced).await.unwrap();
    tasks.update(&second, first.version, &opaque).await.unwrap();
    tasks.delete(&deleted, expected, &gone).await.unwrap();

    let outbox = backend.outbox().await;
    assert!(outbox.is_sorted_by(|a, b| a.id < b.id), "{outbox:?}");
    let events: Vec<EncodedEvent> = outbox.into_iter().map(|record| record.event).collect();
    assert_eq!(events, [created(&first), traced, opaque, gone]);
}

/// A write that breaks a rule leaves no trace at all.
pub async fn a_refused_write_leaves_no_event<B: Backend>() {
    let backend = B::start().await;
    let tasks = backend.repository();
    let owner = keyed("JIRA-17");
    tasks.create(&owner, &created(&owner)).await.unwrap();
    let child = create_below(&*tasks, &owner).await.unwrap();
    let before = backend.outbox().await;

    let twin = keyed("JIRA-17");
    tasks.create(&twin, &created(&twin)).await.unwrap_err();
    let renamed = child.with_fields(twin.fields, child.updated_at).unwrap();
    tasks
        .update(&renamed, child.version, &updated(&renamed))
        .await
        .unwrap_err();
    let (deleted, expected, event) = deletion(&owner);
    tasks.delete(&deleted, expected, &event).await.unwrap_err();
    let nobody = new_task(fields("never stored"));
    create_below(&*tasks, &nobody).await.unwrap_err();

    assert_eq!(backend.outbox().await, before);
    assert_eq!(backend.deleted_tasks().await, []);
    assert_eq!(tasks.find(child.id).await.unwrap(), Some(child));
}
