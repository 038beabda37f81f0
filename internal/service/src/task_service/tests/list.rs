//! Walking lists page by page.

use taskwire_domain::{ListFilter, ListKey, ListOrder, Location};

use super::*;

/// Ten tasks, in which every key has ties and two in three have a due time.
fn ten() -> Arc<MemoryRepository> {
    let tasks = (1..=10_u128).map(|number| {
        let hour = |offset: u128| at(&format!("2026-05-01T1{}:00:00.000Z", (number + offset) % 3));
        let mut task = task(number, None);
        task.fields.priority = Priority::from_rank((number % 4) as i16).unwrap();
        task.fields.is_done = number % 2 == 0;
        task.fields.dates = Dates::new(None, (number % 3 != 0).then(|| hour(1))).unwrap();
        (task.created_at, task.updated_at) = (hour(0), hour(2));
        task
    });
    Arc::new(MemoryRepository::holding(tasks))
}

fn all(order: ListOrder) -> ListRequest {
    ListRequest {
        filter: ListFilter::default(),
        order,
        cursor: None,
        limit: 200,
    }
}

fn every_order() -> impl Iterator<Item = ListOrder> {
    let keys = [
        ListKey::CreatedAt,
        ListKey::UpdatedAt,
        ListKey::Due,
        ListKey::Priority,
    ];
    keys.into_iter()
        .flat_map(|key| [false, true].map(|descending| ListOrder { key, descending }))
}

#[tokio::test]
async fn pages_of_any_size_lead_through_every_order_once_and_to_an_end() {
    let service = service_at(NOON, &ten());
    for order in every_order() {
        let whole = service.list(all(order)).await.unwrap();
        assert_eq!((whole.tasks.len(), whole.next_cursor), (10, None));
        for limit in 1..=10 {
            let mut walked = Vec::new();
            let mut request = ListRequest { limit, ..all(order) };
            loop {
                let page = service.list(request.clone()).await.unwrap();
                assert!((1..=limit as usize).contains(&page.tasks.len()));
                walked.extend(page.tasks);
                match page.next_cursor {
                    Some(cursor) => request.cursor = Some(cursor),
                    None => break,
                }
            }
            assert_eq!(walked, whole.tasks, "{order:?} by {limit}");
        }
    }
}

#[tokio::test]
async fn the_size_of_a_page_may_change_on_the_way() {
    let service = service_at(NOON, &ten());
    let order = ListOrder::default();
    let first = service
        .list(ListRequest {
            limit: 2,
            ..all(order)
        })
        .await
        .unwrap();
    let rest = ListRequest {
        cursor: first.next_cursor,
        ..all(order)
    };
    let rest = service.list(rest).await.unwrap();
    assert_eq!((rest.tasks.len(), rest.next_cursor), (8, None));
}

#[tokio::test]
async fn a_list_without_any_task_has_no_next_page() {
    let service = service_at(NOON, &Arc::new(MemoryRepository::default()));
    let page = service.list(all(ListOrder::default())).await.unwrap();
    assert_eq!((page.tasks, page.next_cursor), (Vec::new(), None));
}

#[tokio::test]
async fn a_cursor_leads_on_in_its_own_list_alone() {
    let repository = ten();
    let service = service_at(NOON, &repository);
    let order = ListOrder::default();
    let first = service
        .list(ListRequest {
            limit: 2,
            ..all(order)
        })
        .await
        .unwrap();
    let cursor = first.next_cursor.unwrap();
    let done = ListFilter {
        is_done: Some(true),
        ..ListFilter::default()
    };
    let elsewhere = every_order().filter(|other| *other != order).map(all);
    let elsewhere = elsewhere.chain([ListRequest {
        filter: done,
        ..all(order)
    }]);
    for request in elsewhere {
        let request = ListRequest {
            cursor: Some(cursor.clone()),
            ..request
        };
        let refused = service.list(request).await;
        let Err(Error::Invalid(errors)) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(errors[0].location, Location::Parameter("cursor".into()));
        assert!(
            errors[0]
                .violation
                .detail
                .contains("another sort or other filters")
        );
    }
    assert_eq!(*repository.keys_read.lock().unwrap(), 1);
}
