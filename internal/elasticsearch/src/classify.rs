//! What a status and an error mean for the one who sent the request.

use taskwire_domain::IndexFault;

use crate::client::NoAnswer;
use crate::engine_error::EngineError;

/// The meaning of an answer or of one item of a bulk answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// It is done.
    Done,
    /// The index already has this version or a newer one, which is as good as done.
    Superseded,
    /// Trouble that may pass.
    Passing,
    /// What was sent can never be accepted, by any server in any mood.
    Refused,
    /// The request is larger than the server takes.
    TooLarge,
    /// Anything else: somebody has to look. Guessing would either drop a write or park a whole topic.
    NotUnderstood,
}

const PASSING: [&str; 17] = [
    "circuit_breaking_exception",
    // Also the 403 or 429 of a disk past its flood-stage watermark, which ends when there is room again.
    "cluster_block_exception",
    "es_rejected_execution_exception",
    // These and the other two about shards are 404: a shard that is starting, moving or closing with its node.
    "illegal_index_shard_state_exception",
    "index_shard_closed_exception",
    "index_shard_not_started_exception",
    "index_shard_recovering_exception",
    "master_not_discovered_exception",
    "no_shard_available_action_exception",
    "node_closed_exception",
    "node_not_connected_exception",
    "process_cluster_event_timeout_exception",
    "receive_timeout_transport_exception",
    "shard_not_found_exception",
    "shard_not_in_primary_mode_exception",
    "timeout_exception",
    "unavailable_shards_exception",
];

const REFUSED: [&str; 9] = [
    "action_request_validation_exception",
    "document_parsing_exception",
    "illegal_argument_exception",
    "json_e_o_f_exception",
    "json_parse_exception",
    "mapper_parsing_exception",
    "strict_dynamic_mapping_exception",
    "x_content_e_o_f_exception",
    "x_content_parse_exception",
];

/// What is told as an illegal argument of every document, and is the fault of none: how the sentence is known, and what is
/// to be done.
const NOT_THE_DOCUMENTS: [(&str, &str); 4] = [
    (
        "no write index is defined",
        "it stands for several indices; remove the alias from all but the one it is named for",
    ),
    (
        "pipeline with id",
        "its index names an ingest pipeline that does not exist; remove index.default_pipeline and index.final_pipeline \
         from its settings",
    ),
    (
        "Number of documents in the",
        "its index has as many documents as a shard can hold; it has to be built anew with more of ELASTICSEARCH_SHARDS",
    ),
    (
        "contains unrecognized parameter",
        "the server does not know a parameter of the request; it has to be Elasticsearch 7.17 or OpenSearch 2.11, or newer",
    ),
];

fn not_the_documents(error: Option<&EngineError>) -> Option<&'static str> {
    let error = error?;
    let known = NOT_THE_DOCUMENTS
        .iter()
        .find(|(words, _)| error.reason.contains(words));
    known
        .filter(|_| error.kind == "illegal_argument_exception")
        .map(|(_, remedy)| *remedy)
}

pub(crate) fn meaning(status: u16, error: Option<&EngineError>) -> Meaning {
    let kind = EngineError::kind(error);
    match status {
        200..300 => Meaning::Done,
        _ if kind == "version_conflict_engine_exception" => Meaning::Superseded,
        _ if PASSING.contains(&kind) => Meaning::Passing,
        408 | 429 | 500..600 => Meaning::Passing,
        413 => Meaning::TooLarge,
        400 if REFUSED.contains(&kind) && not_the_documents(error).is_none() => Meaning::Refused,
        _ => Meaning::NotUnderstood,
    }
}

/// No answer came: the request may have been carried out or not, and can be sent again.
pub(crate) fn unanswered(cause: NoAnswer) -> IndexFault {
    IndexFault::Retry {
        detail: cause.to_string(),
        cause: Some(cause.into()),
    }
}

/// Trouble that may pass, as the server tells it.
pub(crate) fn passing(status: u16, error: Option<EngineError>) -> IndexFault {
    IndexFault::Retry {
        detail: format!("Elasticsearch answered {status}"),
        cause: error.map(Into::into),
    }
}

/// A reason to stop, with what to do about it. `target` is the name that the request was addressed to.
pub(crate) fn halt(target: &str, status: u16, error: Option<EngineError>) -> IndexFault {
    let kind = EngineError::kind(error.as_ref());
    let detail = match (status, not_the_documents(error.as_ref())) {
        (401, _) => format!(
            "Elasticsearch does not accept the user or password of ELASTICSEARCH_URL ({status}): correct them and restart"
        ),
        (403, _) => format!(
            "the user of ELASTICSEARCH_URL may not use {target} ({status}): grant it create_index, manage, read and write there, and restart"
        ),
        (404, _) if kind == "index_not_found_exception" || kind == "alias_not_found_exception" => format!(
            "the index behind the write alias {target} is gone; restart search-indexer: it creates a new generation and \
             replays the topic from its beginning, or says what to repair if only the alias is missing"
        ),
        (400, _) if kind == "index_closed_exception" => {
            format!("the index behind the write alias {target} is closed: open it, and restart")
        }
        (400, Some(remedy)) => {
            format!("nothing can be written through the alias {target}: {remedy}, and restart")
        }
        _ => {
            let said = error.as_ref().map_or_else(
                || "without an error of its own".to_owned(),
                EngineError::to_string,
            );
            format!(
                "Elasticsearch answered a request to {target} with {status}, {said}; nothing was skipped: \
                 repair the cause, or see that ELASTICSEARCH_URL is an Elasticsearch server, and restart"
            )
        }
    };
    IndexFault::Halt {
        detail,
        cause: error.map(Into::into),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(kind: &str, reason: &str) -> EngineError {
        EngineError {
            kind: kind.to_owned(),
            reason: reason.to_owned(),
        }
    }

    #[test]
    fn each_answer_has_its_meaning() {
        let table = [
            (200, "", Meaning::Done),
            (201, "", Meaning::Done),
            (409, "version_conflict_engine_exception", Meaning::Superseded),
            (409, "something_else_exception", Meaning::NotUnderstood),
            (408, "", Meaning::Passing),
            (429, "", Meaning::Passing),
            (429, "es_rejected_execution_exception", Meaning::Passing),
            (429, "circuit_breaking_exception", Meaning::Passing),
            (429, "cluster_block_exception", Meaning::Passing),
            (403, "cluster_block_exception", Meaning::Passing),
            (500, "", Meaning::Passing),
            (502, "", Meaning::Passing),
            (503, "unavailable_shards_exception", Meaning::Passing),
            (503, "process_cluster_event_timeout_exception", Meaning::Passing),
            (504, "timeout_exception", Meaning::Passing),
            (413, "", Meaning::TooLarge),
            (400, "mapper_parsing_exception", Meaning::Refused),
            (400, "document_parsing_exception", Meaning::Refused),
            (400, "strict_dynamic_mapping_exception", Meaning::Refused),
            (400, "illegal_argument_exception", Meaning::Refused),
            (400, "action_request_validation_exception", Meaning::Refused),
            (400, "index_closed_exception", Meaning::NotUnderstood),
            (400, "never_heard_of_exception", Meaning::NotUnderstood),
            (400, "", Meaning::NotUnderstood),
            (401, "security_exception", Meaning::NotUnderstood),
            (403, "security_exception", Meaning::NotUnderstood),
            (404, "index_not_found_exception", Meaning::NotUnderstood),
            (404, "shard_not_found_exception", Meaning::Passing),
            (404, "index_shard_closed_exception", Meaning::Passing),
            (404, "", Meaning::NotUnderstood),
            (503, "master_not_discovered_exception", Meaning::Passing),
            (503, "no_shard_available_action_exception", Meaning::Passing),
            (400, "x_content_parse_exception", Meaning::Refused),
            (400, "x_content_e_o_f_exception", Meaning::Refused),
            (500, "document_parsing_exception", Meaning::Passing),
            (405, "", Meaning::NotUnderstood),
            (302, "", Meaning::NotUnderstood),
        ];
        for (status, kind, wanted) in table {
            assert_eq!(
                meaning(status, Some(&error(kind, "why"))),
                wanted,
                "{status} {kind}"
            );
        }
        assert_eq!(meaning(200, None), Meaning::Done);
        assert_eq!(meaning(418, None), Meaning::NotUnderstood);
    }

    #[test]
    fn what_is_told_of_every_document_does_not_park_the_topic() {
        let table = [
            (
                "no write index is defined for alias [a-write]. The alias points to multiple indices",
                "stands for several indices",
            ),
            ("pipeline with id [x] does not exist", "index.default_pipeline"),
            (
                "Number of documents in the index can't exceed [2147483519]",
                "ELASTICSEARCH_SHARDS",
            ),
            (
                "request [/a-write/_bulk] contains unrecognized parameter: [require_alias]",
                "OpenSearch 2.11, or newer",
            ),
        ];
        for (reason, wanted) in table {
            let told = error("illegal_argument_exception", reason);
            assert_eq!(meaning(400, Some(&told)), Meaning::NotUnderstood, "{reason}");
            let sentence = halt("a-write", 400, Some(told)).to_string();
            assert!(sentence.contains(wanted), "{sentence}");
            // A document may say so too.
            let quoted = error("document_parsing_exception", reason);
            assert_eq!(meaning(400, Some(&quoted)), Meaning::Refused, "{reason}");
        }
    }

    #[test]
    fn a_halt_says_what_to_do() {
        let gone = halt(
            "t-v1-000001-write",
            404,
            Some(error("index_not_found_exception", "no such index")),
        );
        assert!(
            gone.to_string()
                .contains("is gone; restart search-indexer: it creates a new generation"),
            "{gone}"
        );
        assert!(
            halt("t", 401, None)
                .to_string()
                .contains("user or password of ELASTICSEARCH_URL")
        );
        assert!(halt("t", 403, None).to_string().contains("grant it"));
        let unknown = halt("t", 400, Some(error("odd_exception", "odd"))).to_string();
        assert!(
            unknown.contains("odd_exception: odd") && unknown.contains("nothing was skipped"),
            "{unknown}"
        );
    }
}
