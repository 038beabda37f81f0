//! Probes and request ids.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use super::asking::NOBODY;
use crate::{Api, until};

rules!("health":
    it_lives_and_is_ready_with_one_entry_a_dependency,
    a_probe_is_answered_whatever_it_accepts_and_never_kept,
    a_request_id_is_returned_and_made_when_there_is_none_worth_keeping,
);

async fn it_lives_and_is_ready_with_one_entry_a_dependency(api: Api) {
    let live = api.ask(Method::GET, "/healthz/live", &[]).await;
    assert_eq!(
        (live.status.as_u16(), &live.body),
        (200, &json!({"status": "ok"}))
    );
    // What not every request needs may come a moment later.
    let whole = || async {
        let ready = api.ask(Method::GET, "/healthz/ready", &[]).await;
        assert_eq!(ready.status, 200, "{ready:?}");
        (ready.body["status"] == "ok").then_some(ready)
    };
    let (ready, _) = until("everything is there", Duration::from_secs(30), whole).await;
    let checks = ready.body["checks"].as_object().expect("an entry each");
    assert!(checks.len() >= 2, "{ready:?}");
    for (name, check) in checks {
        assert_eq!(check["status"], "ok", "{name}: {ready:?}");
    }
}

async fn a_probe_is_answered_whatever_it_accepts_and_never_kept(api: Api) {
    for path in ["/healthz/live", "/healthz/ready"] {
        for accept in ["text/plain", "application/json;q=0", "*/*"] {
            let answer = api.ask(Method::GET, path, &[("accept", accept)]).await;
            assert_eq!(answer.status, 200, "{path} {accept}: {answer:?}");
            assert_eq!(answer.header("content-type"), "application/json");
            assert_eq!(answer.header("cache-control"), "no-store");
        }
        assert_eq!(api.ask(Method::HEAD, path, &[]).await.status, 200, "{path}");
    }
}

async fn a_request_id_is_returned_and_made_when_there_is_none_worth_keeping(api: Api) {
    let nobody = format!("/tasks/{NOBODY}");
    let too_long = "x".repeat(129);
    for path in ["/healthz/live", "/nowhere", &nobody] {
        let answer = api.ask(Method::GET, path, &[("x-request-id", "job 17/a")]).await;
        assert_eq!(answer.header("x-request-id"), "job 17/a", "{path}");
        let answer = api.ask(Method::GET, path, &[("x-request-id", &too_long)]).await;
        let made = answer.header("x-request-id").to_owned();
        assert!(!made.is_empty() && made != too_long, "{path}: {made}");
        let again = api.ask(Method::GET, path, &[]).await;
        assert_ne!(again.header("x-request-id"), made, "{path}");
    }
}
