//! Searches that nobody means well with: one list, for the tests that ask whether they are answered rightly and for the
//! benchmark that asks how soon.

mod generated;
mod table;

use std::collections::HashSet;

use serde_json::{Map, Value, json};

/// One search.
#[derive(Debug, Clone)]
pub struct HostileSearch {
    /// What is hostile about it, and its number; nothing else in the list has this name.
    pub name: String,
    /// What is typed.
    pub text: String,
    /// The whole search as the body of `POST /tasks/search`: the text, and filters, orders and more in every mixture.
    pub body: Value,
}

impl HostileSearch {
    /// The same search as the target of `GET /tasks/search`.
    pub fn target(&self) -> String {
        let fields = self.body.as_object().into_iter().flatten();
        let parameters: Vec<_> = fields.flat_map(|(name, value)| parameters(name, value)).collect();
        format!("/tasks/search?{}", parameters.join("&"))
    }
}

/// All of them, always the same and in the same order: more than 500 different texts.
pub fn hostile_searches() -> Vec<HostileSearch> {
    let mut seen = HashSet::new();
    let texts = table::texts().into_iter().chain(generated::texts());
    let texts = texts.filter(|(_, text)| seen.insert(text.clone()));
    let searches = texts.enumerate().map(|(number, (kind, text))| HostileSearch {
        name: format!("{kind} {number}"),
        body: body(number, &text),
        text,
    });
    searches.collect()
}

/// Every seventh text is searched for by itself, the others with all that can stand beside it.
fn body(number: usize, text: &str) -> Value {
    let mut body = Map::from_iter([("description".to_owned(), json!(text))]);
    let beside = [(filters(), 1), (orders(), 2), (pages(), 3), (extras(), 7)];
    for (choices, each_for) in beside {
        let choice = &choices[number / each_for % choices.len()];
        if !number.is_multiple_of(7) {
            body.extend(choice.as_object().into_iter().flatten().map(owned));
        }
    }
    Value::Object(body)
}

fn owned((name, value): (&String, &Value)) -> (String, Value) {
    (name.clone(), value.clone())
}

/// Conditions, hostile ones among them: what looks like an engine's syntax is a name like any other.
fn filters() -> Vec<Value> {
    vec![
        json!({}),
        json!({"isDone": false}),
        json!({"priority": "none"}),
        json!({"categories": ["*", "[* TO *]", "a OR b"]}),
        json!({"categories": ["\u{202e}{\"match_all\":{}}", "'; drop table tasks; --", "😀"]}),
        json!({"parentId": "0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a10"}),
        json!({"externalId": "*) OR (_id:*"}),
        json!({"dueAfter": "0001-01-01T00:00:00Z", "dueBefore": "9999-12-31T23:59:59.999Z"}),
        json!({"startAfter": "2026-01-01T00:00:00+23:59", "createdAfter": "1970-01-01T00:00:00-23:59"}),
        json!({"createdBefore": "2999-12-31T23:59:59Z", "isDone": true, "priority": "high", "externalId": "%00"}),
    ]
}

fn orders() -> Vec<Value> {
    let names = [
        "relevance",
        "createdAt",
        "-createdAt",
        "updatedAt",
        "-updatedAt",
        "due",
        "-due",
        "priority",
        "-priority",
    ];
    names.iter().map(|name| json!({ "sort": name })).collect()
}

fn pages() -> Vec<Value> {
    vec![
        json!({}),
        json!({"size": 100}),
        json!({"size": 0}),
        json!({"from": 9_900, "size": 100}),
        json!({"from": 1, "size": 1}),
    ]
}

fn extras() -> Vec<Value> {
    let all = ["priority", "isDone", "categories", "due"];
    vec![
        json!({"highlight": true, "suggest": true}),
        json!({"facets": all}),
        json!({"highlight": true, "facets": all}),
        json!({}),
    ]
}

/// The names that a field has in a query, which knows lists only as repetitions.
fn parameters(name: &str, value: &Value) -> Vec<String> {
    let name = match name {
        "description" => "q",
        "categories" => "category",
        "facets" => "facet",
        other => other,
    };
    let parameter = |value: &Value| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!("{name}={}", encoded(&text))
    };
    match value {
        Value::Array(values) => values.iter().map(parameter).collect(),
        other => vec![parameter(other)],
    }
}

fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
        other => format!("%{other:02x}"),
    };
    text.bytes().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashSet};

    use super::*;

    #[test]
    fn there_are_more_than_500_different_texts_and_they_are_always_the_same() {
        let (once, again) = (hostile_searches(), hostile_searches());
        let texts: HashSet<_> = once.iter().map(|search| &search.text).collect();
        assert!(texts.len() > 500, "{}", texts.len());
        assert_eq!(texts.len(), once.len(), "none stands twice");
        assert!(
            once.iter()
                .zip(&again)
                .all(|(once, again)| once.body == again.body)
        );
    }

    #[test]
    fn every_plane_of_unicode_and_everything_that_stands_beside_a_text_occurs() {
        let all = hostile_searches();
        let planes: BTreeSet<u32> = all
            .iter()
            .flat_map(|search| search.text.chars())
            .map(|c| u32::from(c) >> 16)
            .collect();
        assert!(planes.iter().copied().eq(0..=16), "{planes:?}");
        for beside in [filters(), orders(), pages(), extras()].concat() {
            let fields = beside.as_object().unwrap();
            let occurs = all.iter().any(|search| {
                fields
                    .iter()
                    .all(|(name, value)| search.body.get(name) == Some(value))
            });
            assert!(occurs, "{beside}");
        }
    }

    #[test]
    fn a_target_is_the_body_percent_encoded() {
        let body = json!({"categories": ["a b", "é"], "description": "x\0\"", "highlight": true, "size": 1});
        let search = HostileSearch {
            name: String::new(),
            text: String::new(),
            body,
        };
        assert_eq!(
            search.target(),
            "/tasks/search?category=a%20b&category=%c3%a9&q=x%00%22&highlight=true&size=1"
        );
    }
}
