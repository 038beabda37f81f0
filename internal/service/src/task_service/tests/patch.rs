//! Changes of single fields.

use taskwire_domain::{DatesPatch, Location};

use super::*;

fn priority(priority: Priority) -> TaskPatch {
    TaskPatch {
        priority: Some(priority),
        ..TaskPatch::default()
    }
}

#[tokio::test]
async fn a_patch_is_the_next_version_with_one_event_and_leaves_the_other_fields() {
    let repository = holding_one(MemoryRepository::default());
    let patch = TaskPatch {
        description: Some(Description::parse("new".into()).unwrap()),
        ..TaskPatch::default()
    };
    let service = service_at(LATER, &repository);
    let named = Precondition::only(Versions::These(vec![version(1)]));
    let written = service.patch(id(), &patch, &named, None).await.unwrap();
    assert_eq!(written.token.to_string(), format!("{TASK}@2"));
    assert_eq!(written.task, repository.state().tasks[&id()]);
    assert_eq!(repository.payloads(), [updated_payload("new", 2)]);
}

#[tokio::test]
async fn a_patch_that_loses_its_race_keeps_what_the_other_writer_changed() {
    let repository = holding_one(MemoryRepository {
        rivals: Mutex::new([renames("b"), renames("c")].into()),
        ..MemoryRepository::default()
    });
    let service = service_at(LATER, &repository);
    let high = priority(Priority::High);
    let written = service
        .patch(id(), &high, &Precondition::ANY, None)
        .await
        .unwrap();
    assert_eq!(written.task.fields.description.as_str(), "c");
    assert_eq!(written.task.fields.priority, Priority::High);
    assert_eq!(written.task.version, version(4));
    assert_eq!((repository.attempts(), repository.payloads().len()), (3, 1));
}

#[tokio::test]
async fn a_patch_that_changes_nothing_keeps_the_version_and_writes_nothing() {
    let repository = holding_one(MemoryRepository::default());
    let service = service_at(LATER, &repository);
    let none = priority(Priority::None);
    let written = service
        .patch(id(), &none, &Precondition::ANY, None)
        .await
        .unwrap();
    assert_eq!(written.token.to_string(), format!("{TASK}@1"));
    assert_eq!(repository.attempts(), 0);
}

#[tokio::test]
async fn a_rule_between_fields_is_judged_by_what_the_other_writer_left() {
    fn is_due_at_noon(state: &mut State) {
        let task = state.tasks.get_mut(&id()).unwrap();
        let due = TaskFields {
            dates: Dates::new(None, Some(at(NOON))).unwrap(),
            ..task.fields.clone()
        };
        *task = task.with_fields(due, at(NOON)).unwrap();
    }
    let repository = holding_one(MemoryRepository {
        rivals: Mutex::new([Box::new(is_due_at_noon) as Rival].into()),
        ..MemoryRepository::default()
    });
    let patch = TaskPatch {
        dates: DatesPatch {
            start: Some(Some(at(LATER))),
            due: None,
        },
        ..TaskPatch::default()
    };
    let service = service_at(LATER, &repository);
    let outcome = service.patch(id(), &patch, &Precondition::ANY, None).await;
    let Err(Error::Invalid(errors)) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(errors[0].location, Location::Pointer("/dates".into()));
    assert_eq!(errors[0].violation.code, "start-after-due");
    assert!(repository.payloads().is_empty());
}

#[tokio::test]
async fn a_patch_is_not_retried_past_the_versions_that_were_named() {
    let repository = holding_one(MemoryRepository {
        rivals: Mutex::new([renames("b")].into()),
        ..MemoryRepository::default()
    });
    let service = service_at(LATER, &repository);
    let named = Precondition::only(Versions::These(vec![version(1)]));
    let outcome = service.patch(id(), &priority(Priority::High), &named, None).await;
    assert!(
        matches!(&outcome, Err(Error::Conflict(Conflict::VersionMismatch { current })) if *current == version(2)),
        "{outcome:?}"
    );
    assert!(repository.payloads().is_empty());
}
