//! Every code that an operation lists for wrong values is answered by it, and so none is listed in vain. That none is
//! missing is checked wherever a test gets an answer.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::Request;
use bytes::Bytes;
use futures::stream;

use crate::docs::adherence::{DOCUMENT, codes_listed, codes_of_wrong_values};
use crate::testing::{NOBODY, TASK, TestApi, json_request, post};
use crate::violation_table::MEANINGS;

/// Sends requests of one operation and keeps the codes of what is wrong with them.
struct Operation {
    api: TestApi,
    method: String,
    path: String,
    answered: BTreeSet<String>,
}

impl Operation {
    async fn send(&mut self, request: Request<Body>) {
        let answer = self.api.send(request).await;
        let codes = codes_of_wrong_values(&answer.body).map(str::to_owned);
        self.answered.extend(codes);
    }

    async fn send_query(&mut self, query: &str) {
        let path = format!("{}?{query}", self.path);
        self.send(json_request(&self.method, &path, &[], "{}")).await;
    }

    async fn send_body(&mut self, body: impl Into<Body>) {
        self.send(json_request(&self.method, &self.path, &[], body)).await;
    }

    async fn send_header(&mut self, name: &str, value: &str) {
        self.send(json_request(&self.method, &self.path, &[(name, value)], "{}"))
            .await;
    }

    /// What any request can have, to whatever path.
    async fn spoil_what_is_around(&mut self) {
        let mut without_host = json_request(&self.method, &self.path, &[], "{}");
        without_host.headers_mut().remove("host");
        self.send(without_host).await;
        self.send_header("host", "a@b").await;
        let hosts = [("host", "a"), ("host", "a")];
        self.send(json_request(&self.method, &self.path, &hosts, "{}"))
            .await;
        let broken = stream::iter([Err::<Bytes, _>(std::io::Error::other("reset"))]);
        self.send_body(Body::from_stream(broken)).await;
        self.send_query("pretty").await;
    }

    async fn spoil_id(&mut self) {
        self.send(json_request(&self.method, "/tasks/17", &[], "{}"))
            .await;
    }

    async fn spoil_key(&mut self) {
        for key in ["", "\"a", "a\tb"] {
            self.send_header("idempotency-key", key).await;
        }
    }

    async fn spoil_queries(&mut self, queries: &[&str]) {
        for query in queries {
            self.send_query(query).await;
        }
    }

    async fn spoil_bodies(&mut self, bodies: &[String]) {
        for body in ["{", r#"{"a": 1, "a": 1}"#, "[]", r#"{"a": 1}"#] {
            self.send_body(body).await;
        }
        for body in bodies {
            self.send_body(body.clone()).await;
        }
    }

    /// Bodies that write a task in a way that is wrong, one rule each.
    async fn wrong_tasks(&self) -> Vec<String> {
        let mut parent = String::from("null");
        for _ in 0..16 {
            let body = format!(r#"{{"description": "a", "parentId": {parent}}}"#);
            let answer = self.api.send(post("/tasks", &body)).await;
            parent = answer.body["task"]["id"].to_string();
        }
        let many: Vec<_> = (0..33).map(|number| number.to_string()).collect();
        let members = [
            r#""description": " ""#.to_owned(),
            r#""description": "\u0000""#.to_owned(),
            format!(r#""description": "{}""#, "x".repeat(5_000)),
            r#""externalId": """#.to_owned(),
            r#""externalId": "\t""#.to_owned(),
            r#""priority": "urgent""#.to_owned(),
            r#""dates": {"due": "tomorrow"}"#.to_owned(),
            r#""dates": {"start": "2026-05-02T00:00:00Z", "due": "2026-05-01T00:00:00Z"}"#.to_owned(),
            r#""parentId": "17""#.to_owned(),
            r#""categories": ["a", "A"]"#.to_owned(),
            format!(r#""categories": {many:?}"#),
            format!(r#""description": "a", "parentId": "{NOBODY}""#),
            format!(r#""description": "a", "parentId": {parent}"#),
        ];
        members.map(|members| format!("{{{members}}}")).into()
    }

    /// Bulks that are wrong, or that write such tasks.
    async fn wrong_bulks(&self) -> Vec<String> {
        let tasks = self.wrong_tasks().await.into_iter();
        let mut bulks: Vec<_> = tasks
            .map(|task| format!(r#"{{"op": "create", "task": {task}}}"#))
            .collect();
        bulks.extend([
            String::new(),
            r#"{"op": "move"}"#.to_owned(),
            vec!["1"; 501].join(","),
            format!(r#"{{"op": "delete", "id": "{TASK}", "ifMatch": "1"}}"#),
        ]);
        bulks
            .into_iter()
            .map(|operations| format!(r#"{{"operations": [{operations}]}}"#))
            .collect()
    }

    async fn spoil(&mut self, id: &str) {
        self.spoil_what_is_around().await;
        match id {
            "createTask" => {
                self.spoil_key().await;
                self.spoil_bodies(&self.wrong_tasks().await).await;
            }
            "bulkTasks" => {
                self.spoil_key().await;
                self.spoil_queries(&["atomic=1", "atomic=%ff"]).await;
                self.spoil_bodies(&self.wrong_bulks().await).await;
            }
            "replaceTask" | "patchTask" => {
                self.spoil_id().await;
                self.send_header("if-match", "1").await;
                self.spoil_bodies(&self.wrong_tasks().await).await;
            }
            "deleteTask" => {
                self.spoil_id().await;
                self.send_header("if-match", "1").await;
                self.spoil_queries(&["cascade=1", "cascade=%ff"]).await;
            }
            "getTask" => {
                self.spoil_id().await;
                self.send_header("if-none-match", "1").await;
            }
            "listTasks" => self.spoil_queries(&LIST_QUERIES).await,
            "searchTasksByQuery" => {
                self.spoil_queries(&LIST_QUERIES).await;
                self.spoil_queries(&SEARCH_QUERIES).await;
                self.send_query(&format!("q={}", "x".repeat(1_025))).await;
                self.send_query(&format!("q={}", "x+".repeat(129))).await;
                self.send_query(&format!("q={}", "-x+".repeat(17))).await;
                self.send_query(&"category=a&".repeat(33)).await;
            }
            "searchTasks" => {
                self.spoil_bodies(&SEARCH_BODIES.map(str::to_owned)).await;
                for text in ["x".repeat(1_025), "x ".repeat(129), "-x ".repeat(17)] {
                    self.send_body(format!(r#"{{"description": "{text}"}}"#)).await;
                }
            }
            _ => {}
        }
    }
}

/// Of a list, and of a search.
const LIST_QUERIES: [&str; 11] = [
    "isDone=1",
    "isDone=%ff",
    "priority=urgent",
    "category=",
    "category=%00",
    "parentId=17",
    "cursor=1",
    "externalId=%09",
    "dueBefore=tomorrow",
    "sort=newest",
    "limit=0&size=101",
];

const SEARCH_QUERIES: [&str; 7] = [
    "category=a&category=A",
    "facet=colour",
    "after=1",
    "timeout=1m",
    "cursor=*&from=0",
    "cursor=*&size=0",
    "from=9999&size=2",
];

const SEARCH_BODIES: [&str; 17] = [
    r#"{"priority": "urgent"}"#,
    r#"{"categories": [""]}"#,
    r#"{"categories": ["\u0000"]}"#,
    r#"{"categories": ["a", "A"]}"#,
    r#"{"parentId": "17"}"#,
    r#"{"externalId": "\t"}"#,
    r#"{"dueAfter": "tomorrow"}"#,
    r#"{"sort": "newest"}"#,
    r#"{"facets": ["colour"]}"#,
    r#"{"facets": ["due", "due", "due", "due", "due"]}"#,
    r#"{"after": "1"}"#,
    r#"{"timeout": "1m"}"#,
    r#"{"cursor": "*", "from": 0}"#,
    r#"{"cursor": "*", "size": 0}"#,
    r#"{"cursor": "1"}"#,
    r#"{"from": 9999, "size": 2}"#,
    r#"{"size": 101}"#,
];

#[tokio::test]
async fn every_code_that_an_operation_lists_is_answered_by_it() {
    let mut seen = BTreeSet::new();
    for (path, item) in DOCUMENT["paths"].as_object().unwrap() {
        for (method, described) in item.as_object().unwrap() {
            let id = described["operationId"].as_str().unwrap();
            let mut operation = Operation {
                api: TestApi::with_a_task().await,
                method: method.to_uppercase(),
                path: path.replace("{id}", TASK),
                answered: BTreeSet::new(),
            };
            operation.spoil(id).await;
            let answered: BTreeSet<_> = operation.answered.iter().map(String::as_str).collect();
            let listed = codes_listed(described);
            assert_eq!(answered, listed, "{id}");
            seen.extend(listed);
        }
    }
    assert!(seen.iter().eq(MEANINGS.iter().map(|(code, _)| code)), "{seen:?}");
}
