use rusqlite::Connection;
use taskwire_domain::{ExternalId, ListFilter, ListOrder, Priority, TaskId, Timestamp};
use uuid::Uuid;

use super::*;
use crate::open::OwnedFolder;

const TASKS: usize = 3_000;

/// Most filters leave more.
const FEW: usize = 500;

/// Two of three tasks have a due time, one of ten is done, one of 600 has the rare category; and all in another order
/// by id than by time. Never analysed, as the service's own files.
const FILL: &str = "
    with recursive number (n) as (select 0 union all select n + 1 from number where n + 1 < ?1)
    insert into tasks (id, version, external_id, description, priority, due_at, is_done, parent_id, categories,
                       created_at, updated_at)
    select unhex(format('%032x', n * 7919 % ?1)), 1, iif(n % 5 = 0, 'J-' || n, null), 'a', n * 31 % 4,
           iif(n % 3 = 0, null, n * 17 % 500), n % 10 = 9, iif(n % 2 = 0 and n > 0, unhex(format('%032x', 0)), null),
           iif(n % 600 = 1, '[\"rare\",\"often\"]', iif(n % 3 = 1, '[\"often\"]', '[]')), n / 4, n * 13 % 1000
    from number order by n;

    insert into task_categories (category, task_created_at, task_id)
    select label.value, tasks.created_at, tasks.id from tasks, json_each(tasks.categories) label";

struct Fixture {
    connection: Connection,
    _folder: (OwnedFolder, tempfile::TempDir),
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let owned = OwnedFolder::take(folder.path()).unwrap();
        let connection = owned.open_writer().unwrap();
        connection
            .execute_batch(&FILL.replace("?1", &TASKS.to_string()))
            .unwrap();
        Self {
            connection,
            _folder: (owned, folder),
        }
    }

    /// How SQLite carries out what a page takes, step by step; each statement along the index that was chosen.
    fn plan(&self, query: &ListQuery) -> Vec<String> {
        let route = Route::choose(&self.connection, &query.filter, query.order.key, FEW).unwrap();
        let mut steps = Vec::new();
        for stretch in stretches(query) {
            let (sql, values) = route.select(&stretch, query.order, 50);
            let mut explain = self
                .connection
                .prepare(&format!("explain query plan {sql}"))
                .unwrap();
            let plan = explain
                .query_map(params_from_iter(values), |row| row.get(3))
                .unwrap();
            let plan: Vec<String> = plan.map(Result::unwrap).collect();
            let wanted = match route.along {
                Along::Index(index) => index,
                Along::UniqueIndex => "sqlite_autoindex_tasks_2",
                Along::Category => "task_categories USING PRIMARY KEY",
            };
            assert!(plan[0].contains(wanted), "{query:?}: {wanted}: {plan:?}");
            steps.extend(plan);
        }
        steps
    }

    /// The ids of all that a filter leaves, as a statement says that leaves the way to SQLite.
    fn expected(&self, filter: &ListFilter, order: ListOrder) -> Vec<TaskId> {
        let ListFilter {
            is_done,
            priority,
            category,
            parent_id,
            external_id,
            due_before,
            due_after,
        } = filter;
        let mut conditions = vec!["true".to_owned()];
        conditions.extend(is_done.map(|it| format!("+is_done is {it}")));
        conditions.extend(priority.map(|it| format!("+priority is {}", it.rank())));
        conditions.extend(
            category
                .as_ref()
                .map(|it| format!("categories like '%\"{it}\"%'")),
        );
        conditions.extend(parent_id.map(|it| format!("hex(parent_id) = upper('{}')", it.as_uuid().simple())));
        conditions.extend(
            external_id
                .as_ref()
                .map(|it| format!("+external_id is '{}'", it.as_str())),
        );
        conditions.extend(due_before.map(|it| format!("+due_at < {}", it.unix_millis())));
        conditions.extend(due_after.map(|it| format!("+due_at > {}", it.unix_millis())));
        let rank = match order.key {
            ListKey::CreatedAt => "created_at",
            ListKey::UpdatedAt => "updated_at",
            ListKey::Due => "due_at",
            ListKey::Priority => "priority",
        };
        let direction = if order.descending { "desc" } else { "asc" };
        let all = format!(
            "select id from tasks where {} order by {rank} is null, +{rank} {direction}, +id {direction}",
            conditions.join(" and ")
        );
        let mut select = self.connection.prepare(&all).unwrap();
        let ids = select
            .query_map([], |row| crate::columns::read_id(row, 0))
            .unwrap();
        ids.map(Result::unwrap).collect()
    }
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_utc(chrono::DateTime::from_timestamp_millis(millis).unwrap())
}

fn orders() -> impl Iterator<Item = ListOrder> {
    let keys = [
        ListKey::CreatedAt,
        ListKey::UpdatedAt,
        ListKey::Due,
        ListKey::Priority,
    ];
    keys.into_iter()
        .flat_map(|key| [false, true].map(|descending| ListOrder { key, descending }))
}

/// Each leaves many tasks, or few, or none.
fn filters() -> Vec<ListFilter> {
    let none = ListFilter::default;
    let category = |name: &str| ListFilter {
        category: Some(name.into()),
        ..none()
    };
    let external_id = |text: &str| ListFilter {
        external_id: Some(ExternalId::parse(text.into()).unwrap()),
        ..none()
    };
    let is_done = |is_done| ListFilter {
        is_done: Some(is_done),
        ..none()
    };
    let priority = |priority| ListFilter {
        priority: Some(priority),
        ..none()
    };
    vec![
        is_done(true),
        is_done(false),
        priority(Priority::None),
        priority(Priority::High),
        category("often"),
        category("rare"),
        category("never"),
        ListFilter {
            parent_id: Some(TaskId::from_uuid(Uuid::nil())),
            ..none()
        },
        ListFilter {
            parent_id: Some(TaskId::from_uuid(Uuid::max())),
            ..none()
        },
        external_id("J-10"),
        external_id("J-never"),
        ListFilter {
            due_before: Some(at(400)),
            ..none()
        },
        ListFilter {
            due_before: Some(at(20)),
            ..none()
        },
        ListFilter {
            due_after: Some(at(50)),
            ..none()
        },
        ListFilter {
            due_after: Some(at(480)),
            ..none()
        },
        ListFilter {
            due_after: Some(at(100)),
            due_before: Some(at(450)),
            ..none()
        },
    ]
}

fn query(filter: &ListFilter, order: ListOrder, after: Option<ListPosition>) -> ListQuery {
    ListQuery {
        filter: filter.clone(),
        order,
        after,
        limit: 50,
    }
}

/// A filter's first page, one near the beginning and one near the end, as far as it has so many tasks; and where among
/// all its tasks each begins.
fn pages(fixture: &Fixture, filter: &ListFilter, order: ListOrder) -> Vec<(usize, ListQuery)> {
    let all = fixture.expected(filter, order);
    let mut find = fixture.connection.prepare_cached(crate::view::TASK).unwrap();
    let mut behind = |index: usize| {
        let task = find.query_row([uuid_bytes(*all.get(index)?)], read_task).unwrap();
        let after = ListPosition::behind(&task, order.key);
        Some((index + 1, query(filter, order, Some(after))))
    };
    let later = [behind(32), behind(all.len() * 9 / 10)];
    let first = (0, query(filter, order, None));
    std::iter::once(first)
        .chain(later.into_iter().flatten())
        .collect()
}

#[test]
fn every_order_is_read_along_its_index_and_not_sorted() {
    let fixture = Fixture::new();
    for order in orders() {
        for (_, query) in pages(&fixture, &ListFilter::default(), order) {
            let plan = fixture.plan(&query);
            for step in &plan {
                assert!(step.contains(" tasks USING INDEX tasks_"), "{order:?}: {plan:?}");
            }
            // From its place on, and not past all before it.
            if query.after.is_some() {
                let ends = [
                    "id)>(?,?))",
                    "id)<(?,?))",
                    "due_at=? AND id>?)",
                    "due_at=? AND id<?)",
                ];
                assert!(plan[0].starts_with("SEARCH "), "{order:?}: {plan:?}");
                assert!(
                    ends.iter().any(|end| plan[0].ends_with(end)),
                    "{order:?}: {plan:?}"
                );
            }
        }
    }
}

#[test]
fn every_filter_is_read_along_an_index_and_in_the_default_order_not_sorted() {
    let fixture = Fixture::new();
    for order in orders() {
        for filter in filters() {
            for (_, query) in pages(&fixture, &filter, order) {
                let plan = fixture.plan(&query);
                let is_sorted = plan.iter().any(|step| step.contains("TEMP B-TREE"));
                for step in &plan {
                    let takes_an_index = [" USING INDEX ", " USING PRIMARY KEY ", " USING COVERING INDEX "]
                        .iter()
                        .any(|index| step.contains(index));
                    let is_sort = step.contains("TEMP B-TREE") || step.starts_with("CORRELATED");
                    assert!(takes_an_index || is_sort, "{query:?}: {plan:?}");
                }
                let is_by_time = filter.due_before.is_some() || filter.due_after.is_some();
                if order.key == ListKey::CreatedAt && !is_by_time && filter.priority.is_none() {
                    assert!(!is_sorted, "{query:?}: {plan:?}");
                }
            }
        }
    }
}

#[test]
fn whatever_the_way_the_page_is_the_same() {
    let fixture = Fixture::new();
    let filters = filters();
    for order in orders() {
        for (index, one) in filters.iter().enumerate() {
            let others = filters[index + 1..].iter().map(|two| both(one, two));
            // Two of one kind are as the first alone.
            for filter in others.filter(|both| both != one).chain([one.clone()]) {
                let wanted = fixture.expected(&filter, order);
                for (from, query) in pages(&fixture, &filter, order) {
                    let page = read_page_or_sort(&fixture.connection, &query, FEW).unwrap();
                    let ids: Vec<TaskId> = page.iter().map(|task| task.id).collect();
                    let wanted = &wanted[from..wanted.len().min(from + 50)];
                    assert_eq!(ids, wanted, "{query:?}");
                }
            }
        }
    }
}

fn both(one: &ListFilter, two: &ListFilter) -> ListFilter {
    let (one, two) = (one.clone(), two.clone());
    ListFilter {
        is_done: one.is_done.or(two.is_done),
        priority: one.priority.or(two.priority),
        category: one.category.or(two.category),
        parent_id: one.parent_id.or(two.parent_id),
        external_id: one.external_id.or(two.external_id),
        due_before: one.due_before.or(two.due_before),
        due_after: one.due_after.or(two.due_after),
    }
}

#[test]
fn a_filter_that_leaves_few_tasks_is_followed_and_one_that_leaves_many_is_not() {
    let fixture = Fixture::new();
    let along = |filter: &ListFilter, key| {
        Route::choose(&fixture.connection, filter, key, FEW)
            .unwrap()
            .along
    };
    let rare = ListFilter {
        category: Some("rare".into()),
        ..ListFilter::default()
    };
    let often = ListFilter {
        category: Some("often".into()),
        ..ListFilter::default()
    };
    assert_eq!(along(&rare, ListKey::UpdatedAt), Along::Category);
    assert_eq!(along(&often, ListKey::UpdatedAt), Along::UPDATED_AT);
    let soon = ListFilter {
        due_before: Some(at(20)),
        ..ListFilter::default()
    };
    let late = ListFilter {
        due_before: Some(at(400)),
        ..ListFilter::default()
    };
    assert_eq!(along(&soon, ListKey::CreatedAt), Along::DUE);
    assert_eq!(along(&late, ListKey::CreatedAt), Along::CREATED_AT);
    let narrow = ListFilter {
        due_before: Some(at(110)),
        due_after: Some(at(100)),
        ..ListFilter::default()
    };
    assert_eq!(along(&narrow, ListKey::Priority), Along::DUE);
}
