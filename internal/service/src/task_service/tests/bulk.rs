//! Many writes in one transaction.

use taskwire_domain::{ExternalId, FieldError, Location, Violation};

use super::*;
use crate::BulkOperation;

const ANY: Precondition = Precondition::ANY;

pub(super) fn create(fields: TaskFields, index: usize) -> BulkOperation {
    BulkOperation::Create {
        fields,
        pointer: format!("/operations/{index}/task"),
    }
}

pub(super) fn patch(id: TaskId, patch: TaskPatch, precondition: Precondition, index: usize) -> BulkOperation {
    BulkOperation::Patch {
        id,
        patch,
        precondition,
        pointer: format!("/operations/{index}/patch"),
    }
}

fn below(parent: TaskId) -> TaskPatch {
    TaskPatch {
        parent_id: Some(Some(parent)),
        ..TaskPatch::default()
    }
}

fn named(external_id: &str) -> TaskFields {
    TaskFields {
        external_id: ExternalId::parse(external_id.to_owned()).ok(),
        ..fields("new")
    }
}

fn delete(id: TaskId) -> BulkOperation {
    BulkOperation::Delete {
        id,
        precondition: ANY,
    }
}

fn invalid() -> BulkOperation {
    let violation = Violation::new("blank", "must not be blank");
    BulkOperation::Invalid(vec![FieldError::at_pointer(
        "/operations/1/task/description",
        violation,
    )])
}

fn request(operations: impl Into<Vec<BulkOperation>>, atomic: bool) -> BulkRequest {
    BulkRequest {
        operations: operations.into(),
        atomic,
    }
}

/// Keeps how many operations succeeded.
fn key(fingerprint: u8) -> Option<BulkKey> {
    let render = |results: &BulkResults| {
        let done = results.iter().filter(|result| result.is_ok()).count();
        Bytes::from(done.to_string())
    };
    Some(BulkKey {
        key: CallerKey {
            scope: "POST /tasks/bulk",
            key: "mine".into(),
            fingerprint: [fingerprint; 32],
        },
        render: Arc::new(render),
    })
}

async fn results(service: &TaskService, request: BulkRequest) -> BulkResults {
    match service.bulk(request, None, None).await.unwrap() {
        Answered::First(results) => results,
        Answered::Replayed(answer) => panic!("{answer:?}"),
    }
}

fn pointer(result: &Result<Receipt, Error>) -> &str {
    let Err(Error::Invalid(errors)) = result else {
        panic!("{result:?}");
    };
    match &errors[0].location {
        Location::Pointer(pointer) => pointer,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn operations_are_carried_out_in_order_each_on_what_the_ones_before_left() {
    let repository = Arc::new(MemoryRepository::holding([
        task(1, None),
        task(2, Some(1)),
        task(3, None),
    ]));
    let service = counting_service_at(LATER, &repository);
    let operations = [
        patch(numbered(2), below(numbered(3)), ANY, 0),
        delete(numbered(1)),
        create(named("J-1"), 2),
        create(named("J-1"), 3),
        delete(numbered(3)),
        create(
            TaskFields {
                parent_id: Some(numbered(1)),
                ..fields("new")
            },
            5,
        ),
    ];
    let results = results(&service, request(operations, false)).await;
    let tokens: Vec<_> = results[..3]
        .iter()
        .map(|result| result.as_ref().unwrap().token.to_string())
        .collect();
    let wanted = [(2, 2), (1, 2), (1_000, 1)];
    assert_eq!(
        tokens,
        wanted.map(|(id, version)| format!("{}@{version}", numbered(id)))
    );
    assert!(matches!(
        results[3],
        Err(Error::Conflict(Conflict::ExternalIdTaken))
    ));
    assert!(matches!(results[4], Err(Error::Conflict(Conflict::HasSubtasks))));
    assert_eq!(pointer(&results[5]), "/operations/5/task/parentId");
    assert_eq!(repository.state().events.len(), 3);
}

#[tokio::test]
async fn an_error_in_a_patch_stands_where_the_patch_does() {
    let repository = Arc::new(MemoryRepository::holding([task(1, None)]));
    let service = counting_service_at(LATER, &repository);
    let mut late = TaskPatch::default();
    (late.dates.start, late.dates.due) = (Some(Some(at(LATER))), Some(Some(at(NOON))));
    let orphaned = patch(numbered(1), below(numbered(9)), ANY, 3);
    let answered = results(&service, request([orphaned], false)).await;
    assert_eq!(pointer(&answered[0]), "/operations/3/patch/parentId");
    let answered = results(&service, request([patch(numbered(1), late, ANY, 4)], false)).await;
    assert_eq!(pointer(&answered[0]), "/operations/4/patch/dates");
}

#[tokio::test]
async fn one_refusal_rolls_an_atomic_bulk_back_and_leaves_its_key_free() {
    let repository = Arc::new(MemoryRepository::holding([task(1, None)]));
    let before = repository.state();
    let service = counting_service_at(LATER, &repository);
    let operations = [
        create(fields("new"), 0),
        invalid(),
        delete(numbered(1)),
        delete(numbered(9)),
    ];
    let bulk = service
        .bulk(request(operations, true), key(1), None)
        .await
        .unwrap();
    let Answered::First(results) = bulk else {
        panic!("{bulk:?}");
    };
    assert_eq!(pointer(&results[1]), "/operations/1/task/description");
    assert!(matches!(results[3], Err(Error::NotFound(_))));
    for other in [&results[0], &results[2]] {
        assert!(
            matches!(other, Err(Error::Conflict(Conflict::RolledBack))),
            "{other:?}"
        );
    }
    assert_eq!(repository.state(), before);
}

#[tokio::test]
async fn without_atomic_the_others_stand() {
    let repository = Arc::new(MemoryRepository::holding([task(1, None)]));
    let service = counting_service_at(LATER, &repository);
    let operations = [create(fields("new"), 0), invalid(), delete(numbered(1))];
    let results = results(&service, request(operations, false)).await;
    assert_eq!(
        results.iter().map(Result::is_ok).collect::<Vec<_>>(),
        [true, false, true]
    );
    assert_eq!(
        repository.state().tasks.keys().collect::<Vec<_>>(),
        [&numbered(1_000)]
    );
}

#[tokio::test]
async fn a_bulk_under_a_key_is_done_once_and_answered_twice() {
    let repository = Arc::new(MemoryRepository::default());
    let service = counting_service_at(LATER, &repository);
    let twin = || request([create(fields("new"), 0), delete(numbered(9))], false);
    let first = service.bulk(twin(), key(1), None).await.unwrap();
    assert!(matches!(first, Answered::First(results) if results.len() == 2));
    let after = repository.state();

    let again = service.bulk(twin(), key(1), None).await.unwrap();
    assert_eq!(replayed(again), "1");
    let other = service.bulk(twin(), key(2), None).await;
    assert!(matches!(other, Err(Error::Conflict(Conflict::KeyReused))));
    assert_eq!(repository.state(), after);
}

fn replayed(answered: Answered<BulkResults>) -> String {
    match answered {
        Answered::Replayed(answer) => String::from_utf8(answer.to_vec()).unwrap(),
        Answered::First(results) => panic!("{results:?}"),
    }
}

#[tokio::test]
async fn a_decision_that_was_undone_is_made_anew_from_what_the_others_left_with_the_same_ids() {
    let repository = MemoryRepository::holding([task(1, None)]);
    let takes_the_name = |state: &mut State| {
        let mut rival = task(7, Some(1));
        rival.fields.external_id = named("J-1").external_id;
        state.tasks.insert(rival.id, rival);
    };
    repository
        .rivals
        .lock()
        .unwrap()
        .push_back(Box::new(takes_the_name));
    let repository = Arc::new(repository);
    let service = counting_service_at(LATER, &repository);
    let operations = [
        create(named("J-1"), 0),
        delete(numbered(1)),
        create(fields("new"), 2),
    ];
    let results = results(&service, request(operations, false)).await;
    assert_eq!(repository.attempts(), 2);
    assert!(matches!(
        results[0],
        Err(Error::Conflict(Conflict::ExternalIdTaken))
    ));
    assert!(matches!(results[1], Err(Error::Conflict(Conflict::HasSubtasks))));
    assert_eq!(results[2].as_ref().unwrap().task.id, numbered(1_001));
}

#[tokio::test]
async fn every_event_of_a_bulk_carries_the_trace() {
    let repository = Arc::new(MemoryRepository::holding([task(1, None), task(2, None)]));
    let service = counting_service_at(LATER, &repository);
    let operations = [
        create(fields("new"), 0),
        patch(numbered(1), below(numbered(2)), ANY, 1),
        delete(numbered(1)),
    ];
    service
        .bulk(request(operations, false), None, Some("00-0af7-b7ad-01"))
        .await
        .unwrap();
    let events = repository.state().events;
    assert_eq!(events.len(), 3);
    let trace = ("traceparent".to_owned(), "00-0af7-b7ad-01".to_owned());
    assert!(
        events.iter().all(|event| event.headers.contains(&trace)),
        "{events:?}"
    );
}
