//! Deletions with everything below.

use super::*;

/// 1 above 2 and 5, 2 above 3 and 4; 6 stands alone.
fn family() -> MemoryRepository {
    let links = [
        (1, None),
        (2, Some(1)),
        (3, Some(2)),
        (4, Some(2)),
        (5, Some(1)),
        (6, None),
    ];
    MemoryRepository::holding(links.map(|(number, parent)| task(number, parent)))
}

#[tokio::test]
async fn a_cascade_deletes_the_subtree_deepest_first_and_answers_for_the_top() {
    let repository = Arc::new(family());
    let before = repository.state();
    let top = numbered(1);
    let service = service_at(LATER, &repository);
    let named = Precondition::only(Versions::These(vec![version(1)]));
    let written = service.delete_cascade(top, &named, None).await.unwrap();
    assert_eq!(written.task, before.tasks[&top]);
    assert_eq!(written.token.to_string(), format!("{top}@2"));

    // The repository in memory applies one change after the other, and refuses a deletion above others.
    let after = repository.state();
    assert_eq!(after.tasks.keys().collect::<Vec<_>>(), [&numbered(6)]);
    assert_eq!(after.events.len(), 5);
    assert_eq!(after.deleted.last().unwrap().id, top);
    for (deleted, event) in after.deleted.iter().zip(&after.events) {
        assert_eq!((deleted.version, deleted.deleted_at), (version(2), at(LATER)));
        assert_eq!(*event, TaskEvent::Deleted(deleted).encode(None).unwrap());
    }
}

#[tokio::test]
async fn a_cascade_sees_what_came_below_while_it_was_decided() {
    let repository = family();
    let newcomer = |state: &mut State| {
        state.tasks.insert(numbered(7), task(7, Some(3)));
    };
    repository.rivals.lock().unwrap().push_back(Box::new(newcomer));
    let repository = Arc::new(repository);
    let service = service_at(LATER, &repository);
    let any = Precondition::ANY;
    service.delete_cascade(numbered(1), &any, None).await.unwrap();
    assert_eq!(repository.state().tasks.len(), 1);
    assert_eq!(repository.state().deleted.len(), 6);
}

#[tokio::test]
async fn a_cascade_of_nothing_at_another_version_or_of_too_much_deletes_nothing() {
    let repository = family();
    let crowd = (0..TaskService::MAX_CASCADE as u128).map(|number| task(100 + number, Some(6)));
    let crowd = crowd.map(|task| (task.id, task));
    repository.state.lock().unwrap().tasks.extend(crowd);
    let repository = Arc::new(repository);
    let before = repository.state();
    let service = service_at(LATER, &repository);
    let never = Precondition::only(Versions::NONE);

    let missing = service.delete_cascade(numbered(99), &never, None).await;
    assert!(
        matches!(missing, Err(Error::NotFound(id)) if id == numbered(99)),
        "{missing:?}"
    );
    let mismatch = service.delete_cascade(numbered(1), &never, None).await;
    assert!(
        matches!(mismatch, Err(Error::Conflict(Conflict::VersionMismatch { current })) if current == version(1)),
        "{mismatch:?}"
    );
    let large = service
        .delete_cascade(numbered(6), &Precondition::ANY, None)
        .await;
    assert!(
        matches!(
            large,
            Err(Error::Conflict(Conflict::SubtreeTooLarge { at_most: 10_000 }))
        ),
        "{large:?}"
    );
    assert_eq!(repository.state(), before);
}

#[tokio::test]
async fn a_clock_set_back_deletes_no_task_before_it_was_changed() {
    let repository = Arc::new(family());
    let service = service_at("2026-05-01T11:00:00.000Z", &repository);
    let any = Precondition::ANY;
    service.delete_cascade(numbered(2), &any, None).await.unwrap();
    let deleted = repository.state().deleted;
    assert!(
        deleted.iter().all(|task| task.deleted_at == at(NOON)),
        "{deleted:?}"
    );
}
