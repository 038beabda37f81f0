//! What surrounds every answer of a server that nobody configured otherwise.

use reqwest::Method;
use serde_json::{Value, json};

use super::asking::{Header, NOBODY, path};
use super::unique;
use crate::{Answer, Api};

rules!("hygiene":
    every_answer_is_inert_in_a_browser,
    what_a_head_request_gets_is_what_a_get_would_without_the_body,
    a_large_answer_without_a_tag_is_packed_for_those_who_accept_it,
    an_answer_with_a_strong_tag_is_never_packed,
    nobody_is_limited,
    no_page_of_another_origin_is_let_in,
);

const GZIP: Header<'_> = ("accept-encoding", "gzip");
const PAGE: Header<'_> = ("origin", "https://app.example");

async fn every_answer_is_inert_in_a_browser(api: Api) {
    let task = api.described(&unique()).await;
    let (one, nobody) = (path(&task), format!("/tasks/{NOBODY}"));
    let known = [("if-none-match", "*")];
    let (get, post) = (Method::GET, Method::POST);
    let tagged = "private, no-cache";
    for (method, path, headers, caching) in [
        (&get, one.as_str(), &[][..], tagged),
        (&get, &one, &known, tagged),
        (&Method::HEAD, &one, &[], tagged),
        (&get, "/tasks?limit=1", &[], "no-store"),
        (&get, "/tasks/search?size=1", &[], "no-store"),
        (&get, "/tasks?limit=0", &[], "no-store"),
        (&get, &nobody, &[], "no-store"),
        (&get, "/nowhere", &[], "no-store"),
        (&get, "/tasks/17", &[], "no-store"),
        (&post, "/tasks", &[], "no-store"),
        (&post, "/tasks/bulk", &[], "no-store"),
        (&Method::TRACE, "/tasks", &[], "no-store"),
        (&get, "/healthz/live", &[], "no-store"),
        (&get, "/openapi.json", &[], "no-cache"),
    ] {
        let answer = api.ask(method.clone(), path, headers).await;
        let what = format!("{method} {path} {headers:?}: {answer:?}");
        assert_eq!(answer.header("cache-control"), caching, "{what}");
        let policy = "default-src 'none'; frame-ancestors 'none'";
        assert_eq!(answer.header("content-security-policy"), policy, "{what}");
        assert_inert(&answer);
    }
    for written in [
        api.patch(&task, &json!({"isDone": true})).await,
        api.replace(&task, &json!({"description": unique()})).await,
        api.delete(&task).await,
    ] {
        let caching = if written.header("etag").is_empty() {
            "no-store"
        } else {
            tagged
        };
        assert_eq!(written.header("cache-control"), caching, "{written:?}");
        assert_inert(&written);
    }
    // Pages say what they need themselves.
    for page in ["/", "/docs/", "/docs/index.css"] {
        assert_inert(&api.ask(Method::GET, page, &[("accept", "text/html")]).await);
    }
}

#[track_caller]
fn assert_inert(answer: &Answer) {
    assert_eq!(answer.header("x-content-type-options"), "nosniff", "{answer:?}");
    assert_eq!(answer.header("referrer-policy"), "no-referrer", "{answer:?}");
    assert!(!answer.header("content-security-policy").is_empty(), "{answer:?}");
    for telling in ["server", "x-powered-by"] {
        assert_eq!(answer.header(telling), "", "{answer:?}");
    }
}

async fn what_a_head_request_gets_is_what_a_get_would_without_the_body(api: Api) {
    let parent = api.described(&unique()).await;
    let below = format!("/tasks?parentId={}", &path(&parent)["/tasks/".len()..]);
    for target in [
        path(&parent).as_str(),
        &below,
        &format!("/tasks/{NOBODY}"),
        "/tasks/search?q=-",
        "/tasks?limit=0",
        "/nowhere",
        "/openapi.json",
        "/healthz/live",
        "/",
    ] {
        let (get, head) = (
            api.ask(Method::GET, target, &[]).await,
            api.ask(Method::HEAD, target, &[]).await,
        );
        assert_eq!((head.status, head.bytes.len()), (get.status, 0), "{target}");
        for name in [
            "content-type",
            "etag",
            "cache-control",
            "vary",
            "content-security-policy",
        ] {
            assert_eq!(head.header(name), get.header(name), "{name} of {target}");
        }
        // RFC 9110, section 9.3.2: it may be left out, but must not be another.
        if !head.header("content-length").is_empty() && get.status == 200 {
            assert_eq!(
                head.header("content-length"),
                get.bytes.len().to_string(),
                "{target}"
            );
        }
    }
    let answer = api.ask(Method::HEAD, "/tasks/bulk", &[]).await;
    assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, "POST"));
}

/// That it is gzip around exactly so many bytes (RFC 1952): the magic number, the method, and the size at the end.
#[track_caller]
fn assert_packed(answer: &Answer, size: usize) {
    assert_eq!(answer.header("content-encoding"), "gzip", "{answer:?}");
    assert!(
        answer
            .header("vary")
            .split(", ")
            .any(|name| name == "accept-encoding"),
        "{answer:?}"
    );
    assert_eq!(answer.bytes[..3], [0x1f, 0x8b, 8]);
    let end = answer.bytes.last_chunk().expect("it ends with a size");
    assert_eq!(u32::from_le_bytes(*end) as usize, size);
    assert!(
        answer.bytes.len() < size / 2,
        "{} of {size} bytes",
        answer.bytes.len()
    );
}

async fn a_large_answer_without_a_tag_is_packed_for_those_who_accept_it(api: Api) {
    let parent = api.described(&unique()).await;
    let word = unique();
    let task = json!({"description": format!("{word} {}", "a".repeat(2_000)), "parentId": parent["id"]});
    let task = api.create(&task).await;
    api.await_found(&json!({"description": word}), &[&task]).await;
    for target in [
        format!(
            "/tasks?parentId={}",
            parent["id"].as_str().expect("an id is text")
        ),
        format!("/tasks/search?q={word}"),
        "/openapi.json".to_owned(),
    ] {
        let plain = api.ask(Method::GET, &target, &[]).await;
        assert_eq!(plain.header("content-encoding"), "", "{target}");
        let packed = api.ask(Method::GET, &target, &[GZIP]).await;
        assert_packed(&packed, plain.bytes.len());
        for refusing in ["gzip;q=0", "identity", "br"] {
            let answer = api
                .ask(Method::GET, &target, &[("accept-encoding", refusing)])
                .await;
            assert!(answer.bytes == plain.bytes, "{refusing} {target}");
        }
    }
    let query = json!({"description": word});
    let plain = api.tell(Method::POST, "/tasks/search", &[], &query).await;
    let packed = api.tell(Method::POST, "/tasks/search", &[GZIP], &query).await;
    assert_packed(&packed, plain.bytes.len());
    let operations = vec![
        json!({"op": "delete", "id": parent["id"]}),
        json!({"op": "delete", "id": task["id"]}),
    ];
    let body = json!({"operations": operations});
    let packed = api.tell(Method::POST, "/tasks/bulk", &[GZIP], &body).await;
    assert_eq!(packed.header("content-encoding"), "gzip", "{packed:?}");
}

async fn an_answer_with_a_strong_tag_is_never_packed(api: Api) {
    let fields = json!({"description": "a".repeat(4_000)});
    let created = api.tell(Method::POST, "/tasks", &[GZIP], &fields).await;
    let task = created.task();
    let read = api.ask(Method::GET, &path(task), &[GZIP]).await;
    let patched = api
        .tell(Method::PATCH, &path(task), &[GZIP], &json!({"isDone": true}))
        .await;
    for tagged in [&created, &read, &patched] {
        assert!(tagged.header("etag").starts_with('"'), "{tagged:?}");
        assert_eq!(tagged.header("content-encoding"), "");
        assert_eq!(tagged.task()["description"], fields["description"]);
    }
}

async fn nobody_is_limited(api: Api) {
    let task = path(&api.described(&unique()).await);
    for _ in 0..200 {
        let answer = api.ask(Method::GET, &task, &[]).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        for header in ["ratelimit", "ratelimit-policy", "retry-after"] {
            assert_eq!(answer.header(header), "", "{answer:?}");
        }
    }
}

async fn no_page_of_another_origin_is_let_in(api: Api) {
    let task = path(&api.described(&unique()).await);
    let asks = [PAGE, ("access-control-request-method", "PATCH")];
    let preflight = api.ask(Method::OPTIONS, &task, &asks).await;
    preflight.assert_problem(405, "method-not-allowed");
    let read = api.ask(Method::GET, &task, &[PAGE]).await;
    assert_eq!(read.status, 200, "it is the browser that keeps to it: {read:?}");
    let fields: Value = json!({"description": unique()});
    let created = api.tell(Method::POST, "/tasks", &[PAGE], &fields).await;
    assert_eq!(created.status, 201, "{created:?}");
    for answer in [preflight, read, created] {
        let names = answer.headers.keys().map(reqwest::header::HeaderName::as_str);
        let said: Vec<_> = names.filter(|name| name.starts_with("access-control-")).collect();
        assert_eq!(said, [""; 0], "{answer:?}");
        assert_eq!(answer.header("vary"), "", "{answer:?}");
    }
}
