//! Whether a refusal to search a view says that the view is gone for good, or merely that it cannot be reached now.

use serde::Deserialize;

use crate::engine_error::Words;

/// It ended, or its index is gone.
const GONE: [&str; 3] = [
    "search_context_missing_exception",
    "index_not_found_exception",
    "shard_not_found_exception",
];

/// The whole or any shard says that a part of the view is gone: it ended, its index is gone, or the node that held it is no
/// longer one of the cluster's. The type of the whole may be that of a search that failed on its shards, of which each has its
/// own.
///
/// A view lives in the memory of the nodes that opened it, and no copy of a shard can stand in for it. While the cluster
/// still counts on a node that does not answer (`node_not_connected_exception`, `no_shard_available_action_exception`), the view
/// may be there; soon the node answers again, or is none of the cluster's. A node that the cluster gave up while it lived
/// could come back with it, but nobody is told to wait for that.
pub(crate) fn is_gone(body: &[u8]) -> bool {
    serde_json::from_slice::<Refusal>(body).is_ok_and(|refusal| refusal.error.is_of_gone())
}

#[derive(Deserialize)]
struct Refusal {
    error: Cause,
}

#[derive(Deserialize)]
struct Cause {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    reason: Option<Words>,
    #[serde(default)]
    root_cause: Vec<Cause>,
    #[serde(default)]
    failed_shards: Vec<FailedShard>,
    #[serde(default)]
    caused_by: Option<Box<Cause>>,
}

#[derive(Deserialize)]
struct FailedShard {
    reason: Cause,
}

impl Cause {
    fn is_of_gone(&self) -> bool {
        let shards = self.failed_shards.iter().map(|shard| &shard.reason);
        let mut causes = self
            .root_cause
            .iter()
            .chain(shards)
            .chain(self.caused_by.as_deref());
        GONE.contains(&self.kind.as_str()) || self.is_of_lost_node() || causes.any(Self::is_of_gone)
    }

    /// Elasticsearch looks for the nodes of a view among the cluster's before it asks any, and so does OpenSearch one by
    /// one. Neither has a type for what it misses, only a sentence.
    fn is_of_lost_node(&self) -> bool {
        let sentence = match self.kind.as_str() {
            "search_phase_execution_exception" => "Search rejected due to missing shards",
            "illegal_state_exception" => "no node found for id: ",
            _ => return false,
        };
        let reason = self.reason.as_ref();
        reason.is_some_and(|reason| reason.0.starts_with(sentence))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const LOST: &str = "Search rejected due to missing shards [[tasks-v1-000001][0]]. Consider using \
                        `allow_partial_search_results` setting to bypass this error.";

    fn answer(phase: &str, shards: &[Value], caused_by: Option<Value>) -> bool {
        let failed: Vec<_> = shards
            .iter()
            .map(|reason| json!({ "shard": 0, "index": "tasks-v1-000001", "node": "Ji5m8WeF", "reason": reason }))
            .collect();
        let mut error = json!({
            "root_cause": shards, "type": "search_phase_execution_exception", "reason": "all shards failed",
            "phase": phase, "grouped": true, "failed_shards": failed,
        });
        if let Some(cause) = caused_by {
            error["reason"] = "".into();
            error["caused_by"] = cause;
        }
        is_gone(json!({ "error": error, "status": 503 }).to_string().as_bytes())
    }

    fn cause(kind: &str, reason: &str) -> Value {
        json!({ "type": kind, "reason": reason })
    }

    fn missing() -> Value {
        cause(
            "search_context_missing_exception",
            "No search context found for id [1]",
        )
    }

    fn not_connected() -> Value {
        cause(
            "node_not_connected_exception",
            "[b][127.0.0.1:9300] Node not connected",
        )
    }

    #[test]
    fn a_view_that_ended_or_whose_index_is_gone_is_gone() {
        assert!(answer("query", &[missing()], None));
        assert!(
            answer("query", &[not_connected(), missing()], None),
            "one part is enough"
        );
        for kind in ["index_not_found_exception", "shard_not_found_exception"] {
            let whole = json!({ "error": { "root_cause": [cause(kind, "no such")], "type": kind, "reason": "no such" } });
            assert!(is_gone(whole.to_string().as_bytes()), "{kind}");
        }
    }

    /// As Elasticsearch tells it without having asked anybody.
    #[test]
    fn a_view_on_a_node_that_left_the_cluster_is_gone() {
        for phase in ["query", "can_match"] {
            let cause = json!({
                "type": "search_phase_execution_exception", "reason": LOST, "phase": phase, "grouped": true,
                "failed_shards": [],
            });
            assert!(answer(phase, &[], Some(cause)), "{phase}");
        }
    }

    /// As OpenSearch tells it, which looks for each shard's node by itself.
    #[test]
    fn a_view_of_which_one_node_left_the_cluster_is_gone() {
        let lost = || {
            cause(
                "illegal_state_exception",
                "no node found for id: TsQ1WL3RRC6-nUbGCwlqDA",
            )
        };
        assert!(answer("query", &[lost()], None));
        assert!(answer("query", &[lost(), not_connected()], None));
        assert!(answer("query", &[], Some(lost())));
    }

    #[test]
    fn a_view_on_a_node_that_does_not_answer_now_may_be_there() {
        let now = [
            not_connected(),
            cause(
                "node_disconnected_exception",
                "[b][127.0.0.1:9300][indices:data/read/search[phase/query]] disconnected",
            ),
            cause(
                "no_shard_available_action_exception",
                "[b][127.0.0.1:9300][indices:data/read/search[phase/query]]",
            ),
            cause("circuit_breaking_exception", "[parent] Data too large"),
            cause("es_rejected_execution_exception", "rejected"),
            cause("illegal_state_exception", "any other"),
            json!({ "type": "task_cancelled_exception", "reason": null }),
        ];
        for cause in now {
            assert!(!answer("query", std::slice::from_ref(&cause), None), "{cause}");
            assert!(!answer("query", &[], Some(cause.clone())), "{cause}");
        }
        // Elasticsearch 7.17 and OpenSearch leave out shards that are starting or moving.
        assert!(!answer("query", &[], None));
        for body in [
            "",
            "{}",
            "<html>bad gateway</html>",
            r#"{"error":"a sentence","status":503}"#,
        ] {
            assert!(!is_gone(body.as_bytes()), "{body}");
        }
    }

    /// A caller's words may be quoted by a sentence.
    #[test]
    fn only_the_beginning_of_a_sentence_counts() {
        let quoted = cause("illegal_state_exception", "odd [no node found for id: x]");
        assert!(!answer("query", &[quoted], None));
        let of_another = cause("query_shard_exception", LOST);
        assert!(!answer("query", &[of_another], None));
    }
}
