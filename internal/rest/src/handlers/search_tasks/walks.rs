//! Walks by cursor, in both ways to search.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use crate::testing::{Answer, Behaviour, TestApi, post, request};

/// Makes a search of wishes by name.
type Search = fn(&[(&str, Value)]) -> Request<Body>;

/// The two ways to search, and where each tells of a wrong value.
const WAYS: [(Search, &str); 2] = [(by_body, "/"), (by_query, "")];

fn by_body(wishes: &[(&str, Value)]) -> Request<Body> {
    let body: serde_json::Map<String, Value> = wishes
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect();
    post("/tasks/search", &Value::from(body).to_string())
}

fn by_query(wishes: &[(&str, Value)]) -> Request<Body> {
    let wishes = wishes.iter().map(|(name, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!("{name}={value}")
    });
    let query = wishes.collect::<Vec<_>>().join("&");
    request("GET", &format!("/tasks/search?{query}"), &[])
}

async fn with_tasks(count: usize) -> TestApi {
    let api = TestApi::new();
    for number in 1..=count {
        let body = json!({ "description": format!("number {number}") }).to_string();
        assert_eq!(api.send(post("/tasks", &body)).await.status, 201);
    }
    api
}

fn descriptions(answer: &Answer) -> Vec<&str> {
    let tasks = answer.body["tasks"].as_array().unwrap();
    tasks
        .iter()
        .map(|task| task["description"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn a_walk_shows_everything_once_and_ends_without_a_cursor() {
    let api = with_tasks(5).await;
    for (search, _) in WAYS {
        let mut seen = Vec::new();
        let mut cursor = json!("*");
        // The size of a page may change.
        for size in [2, 1, 2] {
            let answer = api
                .send(search(&[("cursor", cursor), ("size", json!(size))]))
                .await;
            assert_eq!((answer.status.as_u16(), &answer.body["total"]), (200, &json!(5)));
            seen.extend(descriptions(&answer).into_iter().map(str::to_owned));
            cursor = answer.body["nextCursor"].clone();
        }
        assert_eq!(seen, ["number 1", "number 2", "number 3", "number 4", "number 5"]);
        assert_eq!(cursor, json!(null));
    }
}

#[tokio::test]
async fn without_a_cursor_nothing_is_walked_and_none_is_told() {
    let api = with_tasks(3).await;
    for (search, _) in WAYS {
        let answer = api.send(search(&[("size", json!(1))])).await;
        assert_eq!(answer.status, 200);
        assert!(answer.body.get("nextCursor").is_none(), "{answer:?}");
    }
    assert_eq!((api.pages_walked(), api.queries().len()), (0, 2));
}

#[tokio::test]
async fn a_cursor_takes_the_place_of_from_and_its_pages_are_not_empty() {
    let api = with_tasks(1).await;
    for (search, place) in WAYS {
        for from in [0, 1] {
            let answer = api
                .send(search(&[("cursor", json!("*")), ("from", json!(from))]))
                .await;
            assert_eq!(answer.wrong_fields(), [format!("{place}from from-with-cursor")]);
        }
        let empty = api
            .send(search(&[("cursor", json!("*")), ("size", json!(0))]))
            .await;
        assert_eq!(empty.wrong_fields(), [format!("{place}size empty-page")]);
        let large = api
            .send(search(&[("cursor", json!("*")), ("size", json!(101))]))
            .await;
        assert_eq!(large.wrong_fields(), [format!("{place}size out-of-range")]);
        let beyond = api
            .send(search(&[("from", json!(9_999)), ("size", json!(2))]))
            .await;
        assert_eq!(beyond.wrong_fields(), [format!("{place}from window-too-large")]);
        assert!(beyond.body.to_string().contains("with cursor"), "{beyond:?}");
    }
    assert_eq!(api.pages_walked(), 0);
}

#[tokio::test]
async fn a_cursor_that_is_not_ours_or_of_another_search_is_refused() {
    let api = with_tasks(3).await;
    for (search, place) in WAYS {
        let answer = api
            .send(search(&[("cursor", json!("*")), ("size", json!(1))]))
            .await;
        let cursor = answer.body["nextCursor"].as_str().unwrap();
        let of_another_search = [("cursor", json!(cursor)), ("sort", json!("due"))];
        let cut = [("cursor", json!(&cursor[1..]))];
        let of_a_list = api.send(request("GET", "/tasks?limit=1", &[])).await;
        let of_a_list = [("cursor", of_a_list.body["nextCursor"].clone())];
        let nothing = [("cursor", json!(""))];
        for wrong in [&of_another_search[..], &cut, &of_a_list, &nothing] {
            let answer = api.send(search(wrong)).await;
            assert_eq!(answer.problem(), (400, "invalid-request"), "{wrong:?}");
            assert_eq!(answer.wrong_fields(), [format!("{place}cursor invalid-cursor")]);
        }
    }
    assert_eq!(api.pages_walked(), 2);
}

#[tokio::test]
async fn a_view_that_is_gone_is_410_and_a_walk_can_begin_anew() {
    let api = with_tasks(3).await;
    for (search, _) in WAYS {
        let answer = api
            .send(search(&[("cursor", json!("*")), ("size", json!(1))]))
            .await;
        api.forget_views();
        let cursor = answer.body["nextCursor"].clone();
        let gone = api.send(search(&[("cursor", cursor)])).await;
        assert_eq!(gone.problem(), (410, "cursor-expired"));
        assert!(
            gone.body["detail"].as_str().unwrap().contains("begin anew"),
            "{gone:?}"
        );
        let anew = api.send(search(&[("cursor", json!("*"))])).await;
        assert_eq!(descriptions(&anew).len(), 3);
    }
}

#[tokio::test]
async fn writes_are_awaited_when_a_walk_begins_and_not_again() {
    let api = with_tasks(2).await;
    let never = json!("0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7aff@2");
    let begin = [
        ("cursor", json!("*")),
        ("size", json!(1)),
        ("after", never.clone()),
    ];
    let answer = api.send(by_body(&begin)).await;
    assert_eq!(answer.body["consistent"], json!(false));
    let cursor = answer.body["nextCursor"].clone();
    let go_on = [
        ("cursor", cursor),
        ("after", never.clone()),
        ("strict", json!(true)),
    ];
    let answer = api.send(by_body(&go_on)).await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.get("consistent").is_none(), "{answer:?}");
    let strictly = [("cursor", json!("*")), ("after", never), ("strict", json!(true))];
    let answer = api.send(by_body(&strictly)).await;
    assert_eq!(answer.problem(), (412, "not-yet-searchable"));
}

#[tokio::test]
async fn a_walk_while_the_engines_are_away_is_503() {
    let api = TestApi::new();
    api.engines_now(Behaviour::IsAway);
    for (search, _) in WAYS {
        let answer = api.send(search(&[("cursor", json!("*"))])).await;
        assert_eq!(answer.problem(), (503, "unavailable"));
    }
}
