//! Whether an answer is what the document says of it: status, headers, media type and the shape of its body. Every
//! answer that any test of this crate gets goes through here.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use axum::http::{HeaderMap, Method};
use serde_json::Value;

use super::{events_schema, openapi_document};

/// The document as a client reads it.
pub(crate) static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(openapi_document()).unwrap());

/// The schema of the events as a consumer reads it.
pub(crate) static EVENTS: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(events_schema()).unwrap());

/// Headers that mean the same everywhere and are not in the document.
const UNSAID: [&str; 10] = [
    "access-control-allow-origin",
    "access-control-expose-headers",
    "connection",
    "content-encoding",
    "content-length",
    "content-security-policy",
    "content-type",
    "referrer-policy",
    "vary",
    "x-content-type-options",
];

/// Asserts that the document knows this answer to this request.
#[track_caller]
pub(crate) fn assert_documented(method: &Method, path: &str, status: u16, headers: &HeaderMap, body: &Value) {
    let what = format!("{method} {path} answered {status}");
    let Some(item) = item_of(path) else {
        let is_page = path == "/docs" || path.starts_with("/docs/");
        assert!(
            is_page || status == 404,
            "{what}, and the document has no such path"
        );
        return;
    };
    let name = if method == Method::HEAD {
        "get".to_owned()
    } else {
        method.as_str().to_lowercase()
    };
    let Some(operation) = item.get(&name) else {
        assert_eq!(status, 405, "{what}, and the document has no such operation");
        assert_eq!(allowed(headers), methods_of(item), "{what}");
        return;
    };
    let answer = operation["responses"].get(status.to_string());
    let answer = resolve(answer.unwrap_or_else(|| panic!("{what}, which the document does not have")));
    let told: BTreeSet<_> = names(&answer["headers"]).map(str::to_lowercase).collect();
    for header in headers.keys().map(|name| name.as_str()) {
        let said = told.contains(header) || UNSAID.contains(&header);
        assert!(said, "{what} with {header}, which the document does not have");
    }
    for header in told.iter().filter(|header| !is_sometimes_absent(header)) {
        assert!(headers.contains_key(header), "{what} without {header}");
    }
    if body.is_null() {
        return;
    }
    let media_type = headers["content-type"].to_str().unwrap();
    let content = answer["content"].get(media_type);
    let content =
        content.unwrap_or_else(|| panic!("{what} as {media_type}, which the document does not have"));
    if let Err(wrong) = check(&content["schema"], body, "") {
        panic!("{what} with {body}: {wrong}");
    }
    let listed = codes_listed(operation);
    for code in codes_of_wrong_values(body) {
        assert!(
            listed.contains(code),
            "{what} with the code {code}, which its 400 does not list: see `violation_table.rs` and `docs/endpoint/refusals.rs`"
        );
    }
}

/// The codes for which this operation refuses single values, as its 400 lists them.
pub(crate) fn codes_listed(operation: &'static Value) -> BTreeSet<&'static str> {
    let list = resolve(&operation["responses"]["400"])["description"].as_str();
    let lines = list.unwrap_or_default().lines();
    lines
        .filter_map(|line| Some(line.strip_prefix("- `")?.split_once("`: ")?.0))
        .collect()
}

/// The codes that an answer tells of single values, be it in the results of a bulk.
pub(crate) fn codes_of_wrong_values(answer: &Value) -> impl Iterator<Item = &str> {
    let results = answer["results"].as_array().into_iter().flatten();
    let problems = results.map(|result| &result["problem"]).chain([answer]);
    problems
        .flat_map(|problem| problem["errors"].as_array().into_iter().flatten())
        .filter_map(|error| error["code"].as_str())
}

/// Whether the header depends on how the service is configured or on what the answer says.
fn is_sometimes_absent(header: &str) -> bool {
    header.starts_with("ratelimit") || ["idempotency-replayed", "link"].contains(&header)
}

/// What a reference points at, or the value itself.
pub(crate) fn resolve(value: &'static Value) -> &'static Value {
    match value.get("$ref").and_then(Value::as_str) {
        Some(reference) => {
            let document = if reference.starts_with("#/$defs/") {
                &EVENTS
            } else {
                &DOCUMENT
            };
            resolve(document.pointer(&reference[1..]).expect(reference))
        }
        None => value,
    }
}

fn item_of(path: &str) -> Option<&'static Value> {
    let paths = &DOCUMENT["paths"];
    let fits = |template: &str| {
        let (wanted, found) = (template.split('/'), path.split('/'));
        wanted.clone().count() == found.clone().count()
            && wanted
                .zip(found)
                .all(|(wanted, found)| wanted == found || wanted.starts_with('{') && !found.is_empty())
    };
    // As the router does: what stands literally comes before what is a parameter.
    paths
        .get(path)
        .or_else(|| names(paths).find(|path| fits(path)).map(|path| &paths[path]))
}

fn names(object: &'static Value) -> impl Iterator<Item = &'static str> {
    let members = object.as_object().into_iter().flatten();
    members.map(|(name, _)| name.as_str())
}

fn allowed(headers: &HeaderMap) -> BTreeSet<String> {
    let allow = headers["allow"].to_str().unwrap().split(',');
    allow.map(|method| method.trim().to_lowercase()).collect()
}

fn methods_of(item: &'static Value) -> BTreeSet<String> {
    let mut methods: BTreeSet<_> = names(item).map(str::to_owned).collect();
    if methods.contains("get") {
        methods.insert("head".to_owned());
    }
    methods
}

/// Whether the value has the shape. It knows the keywords that the document uses and fails on any other, so that none
/// is passed over unseen; patterns and formats are not judged.
pub(crate) fn check(schema: &'static Value, value: &Value, place: &str) -> Result<(), String> {
    let schema = resolve(schema).as_object().unwrap();
    let fail = |rule: &str| Err(format!("{place}: {value} breaks {rule} {}", schema[rule]));
    let number = |limit: &Value| limit.as_f64().unwrap();
    let length = value.as_str().map(|text| text.chars().count() as f64);
    let count = value.as_array().map(|items| items.len() as f64);
    let below = |name: &str| format!("{place}/{name}");
    for (rule, limit) in schema {
        let holds = match rule.as_str() {
            "type" => {
                types(limit).contains(&type_of(value))
                    || types(limit).contains(&"number") && value.is_number()
            }
            "oneOf" => {
                let fits = |shape: &&'static Value| check(shape, value, place).is_ok();
                limit.as_array().unwrap().iter().filter(fits).count() == 1
            }
            "const" => limit == value,
            "enum" => limit.as_array().unwrap().contains(value),
            "required" => {
                let missing =
                    |name: &&Value| value.is_object() && value.get(name.as_str().unwrap()).is_none();
                !limit.as_array().unwrap().iter().any(|name| missing(&name))
            }
            "minLength" => length.is_none_or(|length| length >= number(limit)),
            "maxLength" => length.is_none_or(|length| length <= number(limit)),
            "minItems" => count.is_none_or(|count| count >= number(limit)),
            "maxItems" => count.is_none_or(|count| count <= number(limit)),
            "minimum" => value.as_f64().is_none_or(|value| value >= number(limit)),
            "maximum" => value.as_f64().is_none_or(|value| value <= number(limit)),
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(limit, item, &below(&index.to_string()))?;
                }
                true
            }
            "properties" => {
                for (name, member) in value.as_object().into_iter().flatten() {
                    if let Some(shape) = limit.get(name) {
                        check(shape, member, &below(name))?;
                    }
                }
                true
            }
            "additionalProperties" => {
                let known = schema.get("properties");
                let members = value.as_object().into_iter().flatten();
                let mut others =
                    members.filter(|(name, _)| known.is_none_or(|known| known.get(name).is_none()));
                if limit.is_boolean() {
                    limit == true || others.next().is_none()
                } else {
                    others.try_for_each(|(name, member)| check(limit, member, &below(name)))?;
                    true
                }
            }
            "$defs" | "$id" | "$schema" | "title" | "default" | "description" | "discriminator"
            | "examples" | "format" | "pattern" | "uniqueItems" => true,
            unknown => panic!("{place}: the document uses {unknown}, which this check does not know"),
        };
        if !holds {
            return fail(rule);
        }
    }
    Ok(())
}

fn types(limit: &Value) -> Vec<&str> {
    match limit {
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
