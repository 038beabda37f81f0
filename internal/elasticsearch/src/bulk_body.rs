//! The lines of a bulk request.

use bytes::Bytes;
use taskwire_domain::{Document, IndexOperation};

/// The most that stands around a source: the action line, the derived fields, the newlines; or all of a tombstone.
const OVERHEAD_BYTES: usize = 256;

/// Writes as many operations as fit into `max_bytes`, at least one, and tells how many those are.
///
/// `positions` point into `operations` and must not be empty; the sources must be [sound](is_sound).
pub(crate) fn encode(operations: &[IndexOperation], positions: &[usize], max_bytes: usize) -> (Bytes, usize) {
    let length = |position: usize| source_length(&operations[position]);
    let estimate: usize = positions.iter().map(|&it| OVERHEAD_BYTES + length(it)).sum();
    let first = positions.first().map_or(0, |&position| length(position));
    // Enough for it never to grow: it counts against a budget.
    let mut body = Vec::with_capacity(estimate.min(max_bytes.max(first) + OVERHEAD_BYTES));
    let mut taken = 0;
    for &position in positions {
        let before = body.len();
        if taken > 0 && before + length(position) > max_bytes {
            break;
        }
        write_operation(&mut body, &operations[position]);
        if taken > 0 && body.len() > max_bytes {
            body.truncate(before);
            break;
        }
        taken += 1;
    }
    (body.into(), taken)
}

/// Whether something can be written before the closing brace of the source: it is a JSON object with a field in it.
/// A look at both ends; whether it is JSON all through is for the server to say.
pub(crate) fn is_sound(operation: &IndexOperation) -> bool {
    match &operation.document {
        Document::Tombstone { .. } => true,
        Document::Live { source, .. } => fields_of(source).is_some(),
    }
}

/// What stands between the braces, spaces around it removed; `None` if that is nothing.
fn fields_of(source: &[u8]) -> Option<&[u8]> {
    let fields = source
        .trim_ascii()
        .strip_prefix(b"{")?
        .strip_suffix(b"}")?
        .trim_ascii();
    (!fields.is_empty()).then_some(fields)
}

fn source_length(operation: &IndexOperation) -> usize {
    match &operation.document {
        Document::Tombstone { .. } => 0,
        Document::Live { source, .. } => source.len(),
    }
}

fn write_operation(body: &mut Vec<u8>, operation: &IndexOperation) {
    let IndexOperation {
        id,
        version,
        document,
    } = operation;
    let action =
        format!("{{\"index\":{{\"_id\":\"{id}\",\"version\":{version},\"version_type\":\"external\"}}}}\n");
    body.extend_from_slice(action.as_bytes());
    let derived = match document {
        Document::Live {
            source,
            priority_rank,
        } => {
            body.push(b'{');
            write_on_one_line(body, fields_of(source).unwrap_or_default());
            format!(",\"deleted\":false,\"priorityRank\":{priority_rank}}}\n")
        }
        Document::Tombstone { deleted_at } => {
            format!(
                "{{\"id\":\"{id}\",\"version\":{version},\"deleted\":true,\"deletedAt\":\"{deleted_at}\"}}\n"
            )
        }
    };
    body.extend_from_slice(derived.as_bytes());
}

/// A newline in JSON stands between tokens and may as well be a space. In a bulk request it would end the document, and
/// what follows it would be read as an action: somebody else's event could write to any index.
fn write_on_one_line(body: &mut Vec<u8>, json: &[u8]) {
    let start = body.len();
    body.extend_from_slice(json);
    if json.contains(&b'\n') {
        body[start..]
            .iter_mut()
            .filter(|byte| **byte == b'\n')
            .for_each(|byte| *byte = b' ');
    }
}

#[cfg(test)]
mod tests {
    use taskwire_domain::Version;

    use super::*;

    const ID: &str = "0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a10";

    fn live(source: &str) -> IndexOperation {
        let document = Document::Live {
            source: Bytes::copy_from_slice(source.as_bytes()),
            priority_rank: 3,
        };
        IndexOperation {
            id: ID.parse().unwrap(),
            version: Version::new(7).unwrap(),
            document,
        }
    }

    fn text(operation: IndexOperation) -> String {
        let (body, taken) = encode(&[operation], &[0], 1_000_000);
        assert_eq!(taken, 1);
        String::from_utf8(body.to_vec()).unwrap()
    }

    #[test]
    fn a_task_is_its_own_bytes_with_the_derived_fields_at_the_end() {
        let source = r#"{"id":"x","description":"a } b","version":7}"#;
        let wanted = format!(
            "{{\"index\":{{\"_id\":\"{ID}\",\"version\":7,\"version_type\":\"external\"}}}}\n\
             {{\"id\":\"x\",\"description\":\"a }} b\",\"version\":7,\"deleted\":false,\"priorityRank\":3}}\n"
        );
        assert_eq!(text(live(source)), wanted);
    }

    #[test]
    fn a_tombstone_has_its_four_fields() {
        let document = Document::Tombstone {
            deleted_at: "2026-05-01T09:00:00Z".parse().unwrap(),
        };
        let operation = IndexOperation { document, ..live("") };
        let text = text(operation);
        let source: serde_json::Value = serde_json::from_str(text.lines().nth(1).unwrap()).unwrap();
        let wanted = serde_json::json!({ "id": ID, "version": 7, "deleted": true, "deletedAt": "2026-05-01T09:00:00.000Z" });
        assert_eq!(source, wanted);
    }

    #[test]
    fn a_source_with_newlines_stays_one_document() {
        let hostile = "{\n\"a\":1,\n\"b\":{}}\n";
        let text = text(live(hostile));
        assert_eq!(text.lines().count(), 2);
        let source: serde_json::Value = serde_json::from_str(text.lines().nth(1).unwrap()).unwrap();
        assert_eq!(
            source,
            serde_json::json!({ "a": 1, "b": {}, "deleted": false, "priorityRank": 3 })
        );
    }

    #[test]
    fn only_an_object_with_a_field_is_sound() {
        for source in ["", "{", "}", "{}", "{ }", "[1]", "null", "\"{}\"", "{\"a\":1"] {
            assert!(!is_sound(&live(source)), "{source}");
        }
        assert!(is_sound(&live(" {\"a\":1} ")));
    }

    #[test]
    fn a_body_ends_before_the_limit_but_holds_at_least_one_operation() {
        let operations: Vec<_> = (0..10).map(|n| live(&format!("{{\"n\":{n}}}"))).collect();
        let one = text(operations[0].clone()).len();
        let positions: Vec<_> = (0..10).collect();
        let (body, taken) = encode(&operations, &positions, one * 3);
        assert_eq!((body.len(), taken), (one * 3, 3));
        assert_eq!(encode(&operations, &positions, one * 4 - 1).1, 3);
        assert_eq!(encode(&operations, &positions, 1).1, 1);
        let (body, taken) = encode(&operations, &[8, 9], 1_000_000);
        assert_eq!(taken, 2);
        assert!(String::from_utf8(body.to_vec()).unwrap().contains("{\"n\":8,"));
    }
}
