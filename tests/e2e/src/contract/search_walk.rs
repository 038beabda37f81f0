//! Walks by cursor through everything that a search finds.

use reqwest::Method;
use serde_json::{Value, json};

use super::unique;
use crate::{Answer, Api};

rules!("search_walk":
    a_walk_shows_each_task_once_while_others_write,
    a_cursor_goes_on_in_either_way_to_search,
    a_cursor_is_of_its_own_search_alone,
    a_walk_that_has_ended_cannot_go_on,
);

async fn search(api: &Api, body: &Value) -> Answer {
    api.tell(Method::POST, "/tasks/search", &[], body).await
}

/// The search with more wishes.
fn with(body: &Value, wishes: Value) -> Value {
    let mut body = body.clone();
    let fields = body.as_object_mut().expect("a search is an object");
    fields.extend(wishes.as_object().expect("wishes are an object").clone());
    body
}

fn ids(answer: &Answer) -> Vec<Value> {
    let tasks = answer.body["tasks"].as_array().expect("tasks are a list");
    tasks.iter().map(|task| task["id"].clone()).collect()
}

/// Tasks with a word of their own, once they can be found.
async fn found(api: &Api, word: &str, count: usize) -> Vec<Value> {
    let mut tasks = Vec::new();
    for number in 0..count {
        tasks.push(api.described(&format!("{word} {number}")).await);
    }
    let wanted: Vec<&Value> = tasks.iter().collect();
    api.await_found(&json!({"description": word, "size": 100}), &wanted)
        .await;
    tasks
}

async fn a_walk_shows_each_task_once_while_others_write(api: Api) {
    let word = unique();
    let tasks = found(&api, &word, 7).await;
    for sort in ["relevance", "createdAt", "-updatedAt", "due", "-priority"] {
        let query = json!({"description": word, "sort": sort, "size": 2});
        let mut seen = Vec::new();
        let mut cursor = json!("*");
        while cursor.is_string() {
            let answer = search(&api, &with(&query, json!({"cursor": cursor}))).await;
            assert_eq!(
                (answer.status.as_u16(), &answer.body["total"]),
                (200, &json!(7)),
                "{answer:?}"
            );
            seen.extend(ids(&answer));
            cursor = answer.body["nextCursor"].clone();
            // Each change moves a task in some order.
            let priority = if sort.len().is_multiple_of(2) {
                "high"
            } else {
                "low"
            };
            let touched = api
                .patch(&tasks[seen.len() - 1], &json!({"priority": priority}))
                .await;
            assert_eq!(touched.status, 200);
        }
        let mut wanted: Vec<Value> = tasks.iter().map(|task| task["id"].clone()).collect();
        for ids in [&mut seen, &mut wanted] {
            ids.sort_by_key(Value::to_string);
        }
        assert_eq!(seen, wanted, "{sort}");
    }
}

async fn a_cursor_goes_on_in_either_way_to_search(api: Api) {
    let word = unique();
    found(&api, &word, 3).await;
    let by_query = |cursor: String| {
        let path = format!("/tasks/search?q={word}&size=1&cursor={cursor}");
        let api = &api;
        async move { api.ask(Method::GET, &path, &[]).await }
    };
    let first = by_query("*".to_owned()).await;
    let cursor = first.body["nextCursor"].clone();
    let second = search(&api, &json!({"description": word, "size": 1, "cursor": cursor})).await;
    let cursor = second.body["nextCursor"].as_str().expect("there is more");
    let third = by_query(cursor.to_owned()).await;
    let mut seen = [ids(&first), ids(&second), ids(&third)].concat();
    seen.sort_by_key(Value::to_string);
    seen.dedup();
    assert_eq!(seen.len(), 3);
    assert!(third.body.get("nextCursor").is_none(), "{third:?}");
}

async fn a_cursor_is_of_its_own_search_alone(api: Api) {
    let word = unique();
    found(&api, &word, 2).await;
    let query = json!({"description": word, "size": 1});
    let first = search(&api, &with(&query, json!({"cursor": "*"}))).await;
    let cursor = first.body["nextCursor"].as_str().expect("there is more");
    for (wishes, place, code) in [
        (
            json!({"cursor": cursor, "description": unique()}),
            "/cursor",
            "invalid-cursor",
        ),
        (
            json!({"cursor": cursor, "isDone": false}),
            "/cursor",
            "invalid-cursor",
        ),
        (
            json!({"cursor": cursor, "sort": "due"}),
            "/cursor",
            "invalid-cursor",
        ),
        (
            json!({"cursor": format!("{cursor}A")}),
            "/cursor",
            "invalid-cursor",
        ),
        (json!({"cursor": "**"}), "/cursor", "invalid-cursor"),
        (json!({"cursor": cursor, "from": 0}), "/from", "from-with-cursor"),
        (json!({"cursor": "*", "size": 0}), "/size", "empty-page"),
    ] {
        let answer = search(&api, &with(&query, wishes)).await;
        assert_eq!(answer.status, 400, "{answer:?}");
        let error = &answer.body["errors"][0];
        assert_eq!((&error["pointer"], &error["code"]), (&json!(place), &json!(code)));
    }
    let second = search(
        &api,
        &with(&query, json!({"cursor": cursor, "size": 10, "highlight": true})),
    )
    .await;
    assert_eq!((second.status.as_u16(), ids(&second).len()), (200, 1));
}

async fn a_walk_that_has_ended_cannot_go_on(api: Api) {
    let word = unique();
    found(&api, &word, 2).await;
    let query = json!({"description": word, "size": 1});
    let first = search(&api, &with(&query, json!({"cursor": "*"}))).await;
    let last = with(&query, json!({"cursor": first.body["nextCursor"]}));
    assert_eq!(search(&api, &last).await.status, 200);
    // The view is closed a moment later.
    let gone = async {
        loop {
            let answer = search(&api, &last).await;
            if answer.status != 200 {
                return answer;
            }
        }
    };
    let limit = std::time::Duration::from_secs(30);
    let gone = tokio::time::timeout(limit, gone)
        .await
        .expect("the view is closed");
    assert_eq!(
        (gone.status.as_u16(), &gone.body["code"]),
        (410, &json!("cursor-expired"))
    );
}
