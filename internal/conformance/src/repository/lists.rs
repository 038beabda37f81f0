//! Lists against what a plain program makes of the same tasks.

use std::cmp::Ordering;
use std::collections::HashSet;

use fastrand::Rng;
use taskwire_domain::{
    Categories, Dates, ExternalId, ListFilter, ListKey, ListOrder, ListPosition, ListQuery, Priority, Task,
    TaskFields, TaskId, TaskRepository, Timestamp,
};
use tokio::sync::watch;

use super::{Backend, pair, remove, replace};
use crate::tasks::{created, fields, new_task};

const ORDERS: [ListOrder; 8] = {
    const fn order(key: ListKey, descending: bool) -> ListOrder {
        ListOrder { key, descending }
    }
    [
        order(ListKey::CreatedAt, false),
        order(ListKey::CreatedAt, true),
        order(ListKey::UpdatedAt, false),
        order(ListKey::UpdatedAt, true),
        order(ListKey::Due, false),
        order(ListKey::Due, true),
        order(ListKey::Priority, false),
        order(ListKey::Priority, true),
    ]
};

/// No two of them on one task: some differ in case alone.
const CATEGORIES: [&str; 5] = ["home", "Home", "garden ", "ß", "ss"];

/// One of a few times, so that many are equal; some before 1970.
fn time(rng: &mut Rng) -> Timestamp {
    let hour = rng.u32(0..12);
    let year = rng.choice(["1969", "2026"]).unwrap();
    format!("{year}-12-31T{hour:02}:59:59.999Z").parse().unwrap()
}

/// Fields in which many tasks are alike.
fn random_fields(rng: &mut Rng, parents: &[TaskId]) -> TaskFields {
    let due = rng.u8(0..3).gt(&0).then(|| time(rng));
    let category = rng.u8(0..3).gt(&0).then(|| *rng.choice(&CATEGORIES).unwrap());
    let other = rng.bool().then(|| format!("only {}", rng.u8(..)));
    let names = category.map(str::to_owned).into_iter().chain(other).collect();
    TaskFields {
        external_id: (rng.u8(0..4) == 0).then(|| ExternalId::parse(format!("J-{}", rng.u64(..))).unwrap()),
        priority: *rng.choice(&Priority::ALL).unwrap(),
        dates: Dates::new(None, due).unwrap(),
        is_done: rng.u8(0..4) == 0,
        parent_id: rng
            .u8(0..3)
            .eq(&0)
            .then(|| rng.choice(parents).copied())
            .flatten(),
        categories: Categories::parse(names).unwrap(),
        ..fields("listed")
    }
}

fn random_task(rng: &mut Rng, parents: &[TaskId]) -> Task {
    let created_at = time(rng);
    Task {
        created_at,
        updated_at: created_at.max(time(rng)),
        ..new_task(random_fields(rng, parents))
    }
}

async fn store(tasks: &dyn TaskRepository, task: &Task) {
    tasks.create(task, &created(task)).await.unwrap();
}

/// So many tasks, some of which were changed since, and others deleted. The first are parents of others.
async fn random_tasks(tasks: &dyn TaskRepository, rng: &mut Rng, count: usize) -> Vec<Task> {
    let mut all: Vec<Task> = (0..3).map(|_| random_task(rng, &[])).collect();
    let parents: Vec<TaskId> = all.iter().map(|task| task.id).collect();
    all.extend((3..count).map(|_| random_task(rng, &parents)));
    for task in &all {
        store(tasks, task).await;
    }
    for task in &mut all[3..] {
        if rng.bool()
            && let Some(next) = task.with_fields(random_fields(rng, &parents), time(rng))
        {
            replace(tasks, task, &next).await;
            *task = next;
        }
    }
    let mut left = all.split_off(3);
    all.reverse();
    for task in left.split_off(count * 9 / 10) {
        remove(tasks, &task).await;
    }
    all.extend(left);
    all
}

fn is_listed(task: &Task, filter: &ListFilter) -> bool {
    let ListFilter {
        is_done,
        priority,
        category,
        parent_id,
        external_id,
        due_before,
        due_after,
    } = filter;
    let fields = &task.fields;
    let due = fields.dates.due();
    is_done.is_none_or(|it| it == fields.is_done)
        && priority.is_none_or(|it| it == fields.priority)
        && category
            .as_ref()
            .is_none_or(|it| fields.categories.as_slice().contains(it))
        && parent_id.is_none_or(|it| Some(it) == fields.parent_id)
        && external_id
            .as_ref()
            .is_none_or(|it| Some(it) == fields.external_id.as_ref())
        && due_before.is_none_or(|it| due.is_some_and(|due| due < it))
        && due_after.is_none_or(|it| due.is_some_and(|due| due > it))
}

fn compare(one: &Task, two: &Task, order: ListOrder) -> Ordering {
    let by_time = |one: Timestamp, two: Timestamp| one.cmp(&two);
    let ranks = match order.key {
        ListKey::CreatedAt => by_time(one.created_at, two.created_at),
        ListKey::UpdatedAt => by_time(one.updated_at, two.updated_at),
        ListKey::Priority => one.fields.priority.cmp(&two.fields.priority),
        ListKey::Due => match (one.fields.dates.due(), two.fields.dates.due()) {
            (Some(one), Some(two)) => by_time(one, two),
            (None, None) => Ordering::Equal,
            (Some(_), None) => return Ordering::Less,
            (None, Some(_)) => return Ordering::Greater,
        },
    };
    let ascending = ranks.then(one.id.cmp(&two.id));
    if order.descending {
        ascending.reverse()
    } else {
        ascending
    }
}

fn expected(tasks: &[Task], filter: &ListFilter, order: ListOrder) -> Vec<Task> {
    let listed = tasks.iter().filter(|task| is_listed(task, filter));
    let mut listed: Vec<Task> = listed.cloned().collect();
    listed.sort_by(|one, two| compare(one, two, order));
    listed
}

/// A list, page by page to its end.
async fn walk(
    tasks: &dyn TaskRepository,
    filter: &ListFilter,
    order: ListOrder,
    mut limit: impl FnMut() -> u32,
) -> Vec<Task> {
    let mut seen = Vec::new();
    while read_page(tasks, filter, order, limit(), &mut seen).await {}
    seen
}

/// One page more; whether there may be another.
async fn read_page(
    tasks: &dyn TaskRepository,
    filter: &ListFilter,
    order: ListOrder,
    limit: u32,
    seen: &mut Vec<Task>,
) -> bool {
    let query = ListQuery {
        filter: filter.clone(),
        order,
        after: seen.last().map(|task| ListPosition::behind(task, order.key)),
        limit,
    };
    let page = tasks.list(&query).await.unwrap();
    assert!(page.len() <= limit as usize, "{query:?}: {}", page.len());
    let is_full = page.len() == limit as usize;
    seen.extend(page);
    is_full
}

fn assert_same(seen: &[Task], wanted: &[Task], context: &str) {
    let ids = |tasks: &[Task]| tasks.iter().map(|task| task.id).collect::<Vec<_>>();
    assert_eq!(ids(seen), ids(wanted), "{context}");
    assert_eq!(seen, wanted, "{context}");
}

/// Each task once and whole, whatever the size of the pages, times that many share and due times that are unset.
pub async fn every_order_is_complete_at_every_page_size<B: Backend>() {
    let backend = B::start().await;
    let tasks = backend.repository();
    let nothing = ListQuery {
        limit: 1,
        ..ListQuery::default()
    };
    assert_eq!(tasks.list(&nothing).await.unwrap(), []);
    let all = random_tasks(&*tasks, &mut Rng::with_seed(1), 200).await;
    let everything = ListFilter::default();
    for order in ORDERS {
        let wanted = expected(&all, &everything, order);
        for limit in [1, 2, 3, 7, 50, ListQuery::MAX_LIMIT] {
            let seen = walk(&*tasks, &everything, order, || limit).await;
            assert_same(&seen, &wanted, &format!("{order:?} by {limit}"));
        }
    }
}

/// One value of each kind of filter, some of which nothing fulfils.
fn random_filters(rng: &mut Rng, tasks: &[Task]) -> [ListFilter; 7] {
    let absent = new_task(fields("absent")).id;
    let parents = tasks[..3].iter().map(|task| task.id).chain([absent]);
    let external_ids = tasks.iter().filter_map(|task| task.fields.external_id.clone());
    let no_key = ExternalId::parse("nobody's".into()).unwrap();
    let external_ids = external_ids.take(5).chain([no_key]);
    let category = CATEGORIES.map(str::trim).into_iter().chain(["nobody's", "HOME"]);
    let none = ListFilter::default;
    [
        ListFilter {
            is_done: Some(rng.bool()),
            ..none()
        },
        ListFilter {
            priority: rng.choice(Priority::ALL),
            ..none()
        },
        ListFilter {
            category: rng.choice(category.collect::<Vec<_>>()).map(str::to_owned),
            ..none()
        },
        ListFilter {
            parent_id: rng.choice(parents.collect::<Vec<_>>()),
            ..none()
        },
        ListFilter {
            external_id: rng.choice(external_ids.collect::<Vec<_>>()),
            ..none()
        },
        ListFilter {
            due_before: Some(time(rng)),
            ..none()
        },
        ListFilter {
            due_after: Some(time(rng)),
            ..none()
        },
    ]
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

/// Every filter alone and with every other, in every order.
pub async fn filters_leave_exactly_what_fulfils_them<B: Backend>() {
    let backend = B::start().await;
    let tasks = backend.repository();
    let mut rng = Rng::with_seed(2);
    let all = random_tasks(&*tasks, &mut rng, 300).await;
    let (mut listed, mut empty) = (0, 0);
    for order in ORDERS {
        for _ in 0..3 {
            let filters = random_filters(&mut rng, &all);
            let alone = filters.iter().cloned();
            let pairs = filters.iter().enumerate().flat_map(|(index, one)| {
                let others = filters[index + 1..].iter();
                others.map(move |two| both(one, two))
            });
            let mut limits = rng.fork();
            for filter in alone.chain(pairs) {
                let wanted = expected(&all, &filter, order);
                let seen = walk(&*tasks, &filter, order, || limits.u32(1..=60)).await;
                assert_same(&seen, &wanted, &format!("{filter:?} {order:?}"));
                *(if wanted.is_empty() {
                    &mut empty
                } else {
                    &mut listed
                }) += 1;
            }
        }
    }
    assert!(
        listed > 300 && empty > 30,
        "{listed} lists with and {empty} without tasks"
    );
}

/// A list goes on behind a task that is not there any more.
pub async fn a_place_outlives_its_task<B: Backend>() {
    let backend = B::start().await;
    let tasks = backend.repository();
    let mut rng = Rng::with_seed(3);
    let mut all = random_tasks(&*tasks, &mut rng, 60).await;
    // Without the parents, which could not be deleted.
    let filter = ListFilter {
        priority: Some(Priority::High),
        ..ListFilter::default()
    };
    let not_parents: HashSet<TaskId> = all[3..].iter().map(|task| task.id).collect();
    for (index, order) in ORDERS.into_iter().enumerate() {
        let filter = if index % 2 == 0 {
            ListFilter::default()
        } else {
            filter.clone()
        };
        let before = expected(&all, &filter, order);
        let place = before
            .iter()
            .rposition(|task| not_parents.contains(&task.id))
            .unwrap()
            / 2;
        let place = place
            + before[place..]
                .iter()
                .position(|task| not_parents.contains(&task.id))
                .unwrap();
        let gone = &before[place];
        remove(&*tasks, gone).await;
        all.retain(|task| task.id != gone.id);
        let query = ListQuery {
            filter,
            order,
            after: Some(ListPosition::behind(gone, order.key)),
            limit: ListQuery::MAX_LIMIT,
        };
        let rest = tasks.list(&query).await.unwrap();
        assert_same(&rest, &before[place + 1..], &format!("{order:?}"));
    }
}

/// By the time of creation, in both directions, whatever comes and goes before and behind the place that was reached.
pub async fn a_walk_sees_what_is_there_throughout_exactly_once<B: Backend>() {
    let backend = B::start().await;
    let [walker, writer] = pair(&backend).await;
    let mut rng = Rng::with_seed(4);
    for (round, order) in ORDERS[..2].iter().enumerate() {
        let staying: Vec<Task> = (0..150).map(|_| random_task(&mut rng, &[])).collect();
        let mut doomed: Vec<Task> = (0..100).map(|_| random_task(&mut rng, &[])).collect();
        for task in staying.iter().chain(&doomed) {
            store(&*walker, task).await;
        }
        let (written, pages) = watch::channel(0);
        let write = async {
            while !written.is_closed() {
                let new = random_task(&mut rng, &[]);
                store(&*writer, &new).await;
                let going = doomed.swap_remove(rng.usize(..doomed.len()));
                remove(&*writer, &going).await;
                doomed.push(new);
                written.send_modify(|count| *count += 1);
            }
        };
        let walk = async {
            let mut pages = pages;
            let mut seen = Vec::new();
            while read_page(&*walker, &ListFilter::default(), *order, 7, &mut seen).await {
                // One more came and one went since the page before.
                pages.changed().await.unwrap();
            }
            seen
        };
        let (seen, ()) = tokio::join!(walk, write);
        let ids: HashSet<TaskId> = seen.iter().map(|task| task.id).collect();
        assert_eq!(ids.len(), seen.len(), "round {round}: a task was seen twice");
        for task in &staying {
            assert!(ids.contains(&task.id), "round {round}: {} was not seen", task.id);
        }
        assert!(
            seen.is_sorted_by(|one, two| compare(one, two, *order) == Ordering::Less),
            "round {round}: not in order"
        );
    }
}

/// All who use one database sign with one key, and nobody else with the same.
pub async fn each_database_has_one_signing_key<B: Backend>() {
    let backend = B::start().await;
    let [one, two] = pair(&backend).await;
    let key = one.signing_key().await.unwrap();
    assert_eq!(two.signing_key().await.unwrap(), key);
    assert_eq!(one.signing_key().await.unwrap(), key);
    let other = B::start().await.repository().signing_key().await.unwrap();
    assert_ne!(key, other);
    for key in [key, other] {
        let different: HashSet<u8> = key.into_iter().collect();
        assert!(different.len() > 8, "{key:?} is hardly random");
    }
}
