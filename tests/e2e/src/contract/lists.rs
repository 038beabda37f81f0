//! `GET /tasks`. Each rule works below a parent of its own.

use std::cmp::Ordering;

use reqwest::Method;
use serde_json::{Value, json};

use super::asking::{NOBODY, id};
use super::unique;
use crate::{Answer, Api};

rules!("lists":
    a_list_is_never_behind,
    each_filter_is_exact_and_all_apply,
    every_order_has_its_ties_broken_by_id_and_no_due_time_last,
    the_oldest_come_first_unless_another_order_is_asked_for,
    a_walk_sees_every_task_once_whatever_it_follows,
    the_link_repeats_what_was_asked_for,
    a_cursor_outlives_the_task_that_it_stands_behind,
    a_cursor_that_was_changed_is_refused,
    a_cursor_of_another_list_is_refused,
    a_page_has_50_tasks_or_as_many_as_asked_for_up_to_200,
    every_wrong_parameter_is_named,
    a_list_can_be_asked_for_its_head,
);

const SORTS: [&str; 8] = [
    "createdAt",
    "-createdAt",
    "updatedAt",
    "-updatedAt",
    "due",
    "-due",
    "priority",
    "-priority",
];

/// A task and these below it; the query that lists them alone, and the tasks as they were created.
async fn family(api: &Api, mut fields: Vec<Value>) -> (String, Vec<Value>) {
    let parent = api.described(&unique()).await;
    for (number, fields) in fields.iter_mut().enumerate() {
        fields["description"] = json!(format!("number {number}"));
        fields["parentId"] = parent["id"].clone();
    }
    let tasks = api.create_all(&fields).await;
    (format!("parentId={}", id(&parent)), tasks)
}

/// Alike in every way that a list can be sorted by, in groups that have some of them in common.
async fn with_ties(api: &Api) -> (String, Vec<Value>) {
    let due = [
        None,
        Some("2026-05-01T07:00:00Z"),
        Some("2026-05-01T07:00:00.001Z"),
        None,
    ];
    let priorities = ["high", "none", "low", "medium", "none"];
    let fields = (0..17).map(|number| {
        json!({"dates": {"due": due[number % due.len()]}, "priority": priorities[number % priorities.len()]})
    });
    let (query, mut tasks) = family(api, fields.collect()).await;
    // In one transaction, so that they are tied as well.
    let operations = tasks
        .iter()
        .step_by(3)
        .map(|task| json!({"op": "update", "id": task["id"], "patch": {"description": unique()}}));
    for (position, result) in api.bulk(&operations.collect()).await.into_iter().enumerate() {
        assert_eq!(result["status"], 200, "{result}");
        tasks[position * 3] = result["task"].clone();
    }
    (query, tasks)
}

/// What `sort` promises, written down once more.
fn in_order(a: &Value, b: &Value, sort: &str) -> Ordering {
    let (name, descending) = match sort.strip_prefix('-') {
        Some(name) => (name, true),
        None => (sort, false),
    };
    let turned = |order: Ordering| if descending { order.reverse() } else { order };
    let text = |task: &Value| match name {
        "due" => task["dates"]["due"].as_str().map(str::to_owned),
        _ => task[name].as_str().map(str::to_owned),
    };
    let rank = |task: &Value| {
        let known = ["none", "low", "medium", "high"];
        known.iter().position(|known| task["priority"] == *known)
    };
    let by_key = match (name, text(a), text(b)) {
        ("priority", ..) => turned(rank(a).cmp(&rank(b))),
        (_, None, None) => Ordering::Equal,
        (_, None, Some(_)) => Ordering::Greater,
        (_, Some(_), None) => Ordering::Less,
        (_, Some(a), Some(b)) => turned(a.cmp(&b)),
    };
    by_key.then_with(|| turned(id(a).cmp(id(b))))
}

fn sorted(tasks: &[Value], sort: &str) -> Vec<Value> {
    let mut tasks = tasks.to_vec();
    tasks.sort_by(|a, b| in_order(a, b, sort));
    tasks
}

fn cursor(page: &Answer) -> Option<&str> {
    let next = &page.body["nextCursor"];
    assert!(next.is_null() || next.is_string(), "{page:?}");
    next.as_str()
}

/// Where `Link` says the next page is.
fn next_link(page: &Answer) -> &str {
    let link = page.header("link");
    let target = link
        .strip_prefix("</tasks?")
        .and_then(|rest| rest.strip_suffix(">; rel=\"next\""));
    target.unwrap_or_else(|| panic!("no link to a next page in {page:?}"))
}

async fn refuse(api: &Api, query: &str, wrong: &[&str]) {
    let path = format!("/tasks?{query}");
    api.ask(Method::GET, &path, &[]).await.assert_wrong(wrong);
}

async fn a_list_is_never_behind(api: Api) {
    let parent = api.described(&unique()).await;
    let query = format!("parentId={}", id(&parent));
    assert_eq!(
        api.listed(&query).await.body,
        json!({"tasks": [], "nextCursor": null})
    );
    let fields = json!({"description": unique(), "parentId": parent["id"]});
    let created = api.create(&fields).await;
    assert_eq!(api.listed(&query).await.tasks(), &vec![created.clone()]);
    let patched = api.patch(&created, &json!({"isDone": true})).await;
    assert_eq!(api.listed(&query).await.tasks(), &vec![patched.task().clone()]);
    assert_eq!(api.delete(&created).await.status, 200);
    assert_eq!(
        api.listed(&query).await.body,
        json!({"tasks": [], "nextCursor": null})
    );
}

async fn each_filter_is_exact_and_all_apply(api: Api) {
    let key = unique();
    let (all, tasks) = family(
        &api,
        vec![
            json!({
                "isDone": true, "priority": "high", "categories": ["Haus", "a&b=c +/ö"], "externalId": key,
                "dates": {"due": "2026-05-01T07:00:00Z"}
            }),
            json!({"categories": ["haus"], "dates": {"due": "2026-05-01T07:00:00.001Z"}}),
            json!({"dates": {"start": "2026-05-01T07:00:00Z"}}),
        ],
    )
    .await;
    for (filter, wanted) in [
        (String::new(), &[0, 1, 2][..]),
        ("&isDone=true".into(), &[0]),
        ("&isDone=false".into(), &[1, 2]),
        ("&priority=high".into(), &[0]),
        ("&priority=none".into(), &[1, 2]),
        ("&priority=low".into(), &[]),
        ("&category=Haus".into(), &[0]),
        ("&category=haus".into(), &[1]),
        ("&category=+haus%20".into(), &[1]),
        ("&category=Hau".into(), &[]),
        ("&category=a%26b%3Dc+%2B%2F%C3%B6".into(), &[0]),
        (format!("&externalId={key}"), &[0]),
        (format!("&externalId={}", key.to_uppercase()), &[]),
        ("&dueBefore=2026-05-01T07:00:00.001Z".into(), &[0]),
        ("&dueBefore=2026-05-01T07:00:00Z".into(), &[]),
        ("&dueAfter=2026-05-01T07:00:00Z".into(), &[1]),
        ("&dueAfter=2026-05-01T07:00:00.001Z".into(), &[]),
        ("&dueAfter=2026-05-01T08:59:59.999%2B02:00".into(), &[0, 1]),
        (
            "&dueAfter=2026-05-01T06:00:00Z&dueBefore=2026-05-01T07:00:00.001Z".into(),
            &[0],
        ),
        ("&isDone=true&priority=none".into(), &[]),
        ("&isDone=true&priority=high&category=Haus".into(), &[0]),
    ] {
        let page = api.listed(&format!("{all}{filter}")).await;
        let wanted: Vec<_> = wanted
            .iter()
            .map(|&number: &usize| tasks[number].clone())
            .collect();
        assert_eq!(page.tasks(), &wanted, "{filter}");
        assert_eq!(cursor(&page), None, "{filter}");
    }
    let by_key = api.listed(&format!("externalId={key}")).await;
    assert_eq!(by_key.tasks(), &vec![tasks[0].clone()]);
    let nobodys = api.listed(&format!("parentId={NOBODY}")).await;
    assert_eq!(nobodys.tasks(), &Vec::<Value>::new());
}

async fn every_order_has_its_ties_broken_by_id_and_no_due_time_last(api: Api) {
    let (query, tasks) = with_ties(&api).await;
    for sort in SORTS {
        let page = api.listed(&format!("{query}&sort={sort}")).await;
        assert_eq!(page.tasks(), &sorted(&tasks, sort), "{sort}");
    }
    // What the order above would not show: that there are tasks without a due time, and that they are last.
    for sort in ["due", "-due"] {
        let page = api.listed(&format!("{query}&sort={sort}")).await;
        let without: Vec<_> = page
            .tasks()
            .iter()
            .map(|task| task["dates"]["due"].is_null())
            .collect();
        assert_eq!(without, [[false; 8].as_slice(), &[true; 9]].concat(), "{sort}");
    }
}

async fn the_oldest_come_first_unless_another_order_is_asked_for(api: Api) {
    let (query, mut tasks) = with_ties(&api).await;
    let parent = &tasks[0]["parentId"];
    let younger = api
        .create(&json!({"description": unique(), "parentId": parent}))
        .await;
    tasks.push(younger.clone());
    let page = api.listed(&query).await;
    assert_eq!(page.tasks(), &sorted(&tasks, "createdAt"));
    assert_eq!(page.tasks().last(), Some(&younger));
}

async fn a_walk_sees_every_task_once_whatever_it_follows(api: Api) {
    let (query, tasks) = with_ties(&api).await;
    for sort in SORTS {
        for limit in [1, 4, 17] {
            let all = format!("{query}&sort={sort}&limit={limit}");
            let (mut seen, mut next) = (Vec::new(), all.clone());
            loop {
                let page = api.listed(&next).await;
                assert!(page.tasks().len() <= limit, "{next}: {page:?}");
                seen.extend(page.tasks().clone());
                let Some(cursor) = cursor(&page) else {
                    assert_eq!(page.header("link"), "", "the last page leads nowhere");
                    break;
                };
                assert_eq!(page.tasks().len(), limit, "{next}: {page:?}");
                let (by_hand, link) = (format!("{all}&cursor={cursor}"), next_link(&page));
                let (one, other) = tokio::join!(api.listed(&by_hand), api.listed(link));
                assert_eq!(one.bytes, other.bytes, "{link}");
                link.clone_into(&mut next);
            }
            assert_eq!(seen, sorted(&tasks, sort), "{all}");
        }
    }
}

async fn the_link_repeats_what_was_asked_for(api: Api) {
    let strange = "a&b=c +/ö%>;\"";
    let mut fields = vec![json!({"categories": [strange]}); 3];
    fields.push(json!({}));
    let (query, tasks) = family(&api, fields).await;
    let category = "a%26b%3Dc+%2B%2F%C3%B6%25%3E%3B%22";
    let page = api
        .listed(&format!("{query}&category={category}&sort=-createdAt&limit=2"))
        .await;
    assert_eq!(page.tasks(), &vec![tasks[2].clone(), tasks[1].clone()]);
    let next = api.listed(next_link(&page)).await;
    assert_eq!(next.tasks(), &vec![tasks[0].clone()]);
    assert_eq!(cursor(&next), None);
}

async fn a_cursor_outlives_the_task_that_it_stands_behind(api: Api) {
    let (query, tasks) = family(&api, vec![json!({}); 4]).await;
    let query = format!("{query}&limit=2");
    let page = api.listed(&query).await;
    let next = format!("{query}&cursor={}", cursor(&page).expect("there is more"));
    assert_eq!(api.delete(&tasks[1]).await.status, 200);
    assert_eq!(api.listed(&next).await.tasks(), &tasks[2..]);
    // One may turn back: a cursor is no state of the server's.
    assert_eq!(api.listed(&next).await.tasks(), &tasks[2..]);
    for task in &tasks[2..] {
        assert_eq!(api.delete(task).await.status, 200);
    }
    let nothing = json!({"tasks": [], "nextCursor": null});
    assert_eq!(api.listed(&next).await.body, nothing);
}

async fn a_cursor_that_was_changed_is_refused(api: Api) {
    let (query, _) = family(&api, vec![json!({}); 2]).await;
    let query = format!("{query}&limit=1");
    let page = api.listed(&query).await;
    let sound = cursor(&page).expect("there is more");
    let mut changed: Vec<String> = (0..sound.len())
        .map(|position| {
            let other = if &sound[position..=position] == "A" {
                "B"
            } else {
                "A"
            };
            format!("{}{other}{}", &sound[..position], &sound[position + 1..])
        })
        .collect();
    changed.extend(["", "x", "%00", "%2B", "....", "null"].map(str::to_owned));
    changed.extend([&sound[1..], &sound[..sound.len() - 1], &format!("{sound}A")].map(str::to_owned));
    changed.push(format!("{sound}%3D"));
    changed.push("A".repeat(4_000));
    for cursor in changed {
        refuse(
            &api,
            &format!("{query}&cursor={cursor}"),
            &["cursor invalid-cursor"],
        )
        .await;
    }
    refuse(&api, &format!("{query}&cursor=%ff"), &["cursor not-utf-8"]).await;
    assert_eq!(
        api.listed(&format!("{query}&cursor={sound}")).await.tasks().len(),
        1
    );
}

async fn a_cursor_of_another_list_is_refused(api: Api) {
    let (query, _) = family(&api, vec![json!({"categories": ["a"]}); 3]).await;
    let page = api
        .listed(&format!("{query}&isDone=false&sort=due&limit=1"))
        .await;
    let cursor = cursor(&page).expect("there is more");
    for other in [
        format!("{query}&isDone=true&sort=due"),
        format!("{query}&isDone=false&sort=-due"),
        format!("{query}&isDone=false&sort=createdAt"),
        format!("{query}&isDone=false"),
        format!("{query}&sort=due"),
        format!("{query}&isDone=false&category=a&sort=due"),
        format!("{query}&isDone=false&sort=due&dueAfter=2026-05-01T07:00:00Z"),
        format!("parentId={NOBODY}&isDone=false&sort=due"),
        "isDone=false&sort=due".to_owned(),
    ] {
        refuse(
            &api,
            &format!("{other}&cursor={cursor}"),
            &["cursor invalid-cursor"],
        )
        .await;
    }
    // Of how many tasks a page is, and how the question is spelt, is no part of which list it is.
    for same in [
        format!("sort=due&isDone=false&{query}&limit=2"),
        format!(
            "isDone=fals%65&{}&sort=due",
            query.to_uppercase().replace("PARENTID", "parentId")
        ),
    ] {
        let page = api.listed(&format!("{same}&cursor={cursor}")).await;
        assert_eq!(page.tasks().len(), 2, "{same}");
    }
}

async fn a_page_has_50_tasks_or_as_many_as_asked_for_up_to_200(api: Api) {
    let (query, tasks) = family(&api, vec![json!({}); 201]).await;
    for (limit, count) in [
        ("", 50),
        ("&limit=1", 1),
        ("&limit=200", 200),
        ("&limit=0050", 50),
    ] {
        let page = api.listed(&format!("{query}{limit}")).await;
        assert_eq!(page.tasks(), &tasks[..count], "{limit}");
        assert!(cursor(&page).is_some(), "{limit}");
    }
    for (limit, code) in [
        ("0", "out-of-range"),
        ("201", "out-of-range"),
        ("-1", "out-of-range"),
        ("99999999999999999999", "out-of-range"),
        ("", "wrong-type"),
        ("1.5", "wrong-type"),
        ("+5", "wrong-type"),
        ("ten", "wrong-type"),
        ("0x10", "wrong-type"),
    ] {
        let limit = format!("{query}&limit={limit}");
        refuse(&api, &limit, &[&format!("limit {code}")]).await;
    }
}

async fn every_wrong_parameter_is_named(api: Api) {
    let all = "isDone=&priority=urgent&category=+&parentId=17&externalId=&dueBefore=tomorrow\
               &dueAfter=2026-05-01T11:00:00+02:00&sort=size&limit=0&q=milk&page=2";
    let wanted = [
        "isDone wrong-type",
        "priority unknown-priority",
        "category invalid-length",
        "parentId invalid-uuid",
        "externalId invalid-length",
        "dueBefore invalid-time",
        "dueAfter invalid-time",
        "sort unknown-sort",
        "limit out-of-range",
        "page unknown-parameter",
        "q unknown-parameter",
    ];
    refuse(&api, all, &wanted).await;
    for name in [
        "isDone",
        "priority",
        "category",
        "parentId",
        "externalId",
        "dueBefore",
        "sort",
        "cursor",
    ] {
        refuse(
            &api,
            &format!("{name}=true&limit=1&{name}=true"),
            &[&format!("{name} repeated")],
        )
        .await;
    }
    for (query, wrong) in [
        ("sort=", "sort unknown-sort"),
        ("sort=--due", "sort unknown-sort"),
        ("sort=-", "sort unknown-sort"),
        ("sort=Due", "sort unknown-sort"),
        ("sort=due,priority", "sort unknown-sort"),
        ("isdone=true", "isdone unknown-parameter"),
        ("isDone=TRUE", "isDone wrong-type"),
        ("category=%ff", "category not-utf-8"),
        ("dueBefore=2026-05-01", "dueBefore invalid-time"),
    ] {
        refuse(&api, query, &[wrong]).await;
    }
}

async fn a_list_can_be_asked_for_its_head(api: Api) {
    let (query, _) = family(&api, vec![json!({}); 2]).await;
    let path = format!("/tasks?{query}&limit=1");
    let head = api.ask(Method::HEAD, &path, &[]).await;
    let page = api.ask(Method::GET, &path, &[]).await;
    assert_eq!((head.status.as_u16(), &head.body), (200, &Value::Null));
    assert_eq!(next_link(&head), next_link(&page));
    assert_eq!(page.header("etag"), "");
}
