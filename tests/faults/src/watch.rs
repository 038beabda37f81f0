//! What searches say of a task never goes back: not to an older version, not from deleted to alive.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::client::{Told, call};
use crate::finding::Kind;
use crate::load::Load;
use crate::pool::Known;

/// How long a task that is hot no longer is looked at still.
const LOOKS_BACK: usize = 12;

/// What searches said of a task last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Version(i64),
    Gone,
}

/// Searches for the hot tasks, one after the other, until `end` says so. Returns how many answers were judged.
pub(crate) async fn watch(load: &Load, end: watch::Receiver<bool>) -> usize {
    let mut seen: BTreeMap<String, Seen> = BTreeMap::new();
    let mut watched: Vec<Known> = Vec::new();
    let (mut turn, mut judged) = (0, 0);
    while !*end.borrow() {
        for known in load.hot() {
            if !watched.contains(&known) {
                watched.push(known);
            }
        }
        let surplus = watched.len().saturating_sub(LOOKS_BACK);
        watched.drain(..surplus);
        let Some(known) = watched.get(turn % watched.len().max(1)).cloned() else {
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        let api = &load.site.apis[turn / 2 % 2];
        turn += 1;
        let query = json!({"externalId": known.external_id, "size": 5});
        // One search at a time: what the last one saw was seen before this one began.
        let told = call(api, Method::POST, "/tasks/search", &[], Some(&query)).await;
        if let Told::Answered(answer) = told
            && answer.status == StatusCode::OK
            && let Some(tasks) = answer.body["tasks"].as_array()
        {
            let found = tasks.iter().find(|task| task["id"] == known.id.as_str());
            let version = found.and_then(|task| task["version"].as_i64());
            judge(load, &mut seen, &known.id, version);
            judged += 1;
        }
        sleep(Duration::from_millis(60)).await;
    }
    judged
}

fn judge(load: &Load, seen: &mut BTreeMap<String, Seen>, id: &str, version: Option<i64>) {
    let before = seen.get(id).copied();
    let Some(now) = version.map(Seen::Version).or(before.map(|_| Seen::Gone)) else {
        // Not indexed yet.
        return;
    };
    if let Some(kind) = verdict(before, now, load.history.is_doomed(id)) {
        let text = format!("{id}: a search saw {before:?}, and a later one {now:?}");
        load.findings.add(kind, text);
    }
    seen.insert(id.to_owned(), now);
}

/// What is wrong with seeing this after that, if anything. A task that is `doomed` may have been deleted.
fn verdict(before: Option<Seen>, now: Seen, doomed: bool) -> Option<Kind> {
    match (before?, now) {
        (Seen::Version(old), Seen::Version(new)) => (new < old).then_some(Kind::Stale),
        (Seen::Version(_), Seen::Gone) => (!doomed).then_some(Kind::Lost),
        // What came back without ever having been deleted was told of when it went.
        (Seen::Gone, Seen::Version(_)) => doomed.then_some(Kind::Resurrected),
        (Seen::Gone, Seen::Gone) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Seen, verdict};
    use crate::finding::Kind;

    #[test]
    fn a_search_that_goes_back_is_found() {
        let (old, new) = (Seen::Version(3), Seen::Version(4));
        assert_eq!(verdict(Some(new), old, false), Some(Kind::Stale));
        assert_eq!(verdict(Some(new), Seen::Gone, false), Some(Kind::Lost));
        assert_eq!(verdict(Some(Seen::Gone), new, true), Some(Kind::Resurrected));
    }

    #[test]
    fn a_search_that_goes_on_is_not() {
        let (old, new) = (Seen::Version(3), Seen::Version(4));
        for (before, now, doomed) in [
            (None, old, false),
            (Some(old), old, false),
            (Some(old), new, true),
            (Some(new), Seen::Gone, true),
            (Some(Seen::Gone), Seen::Gone, true),
        ] {
            assert_eq!(verdict(before, now, doomed), None, "{before:?} {now:?}");
        }
    }
}
