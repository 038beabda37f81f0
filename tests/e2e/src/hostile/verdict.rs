//! Whether what came back is what must.

use serde_json::Value;

use super::case::Wanted;

/// Words that only somebody inside would say. None of them is part of what any case sends.
const INTERNALS: [&str; 22] = [
    "panicked",
    "backtrace",
    "unwrap",
    "select ",
    "insert ",
    "update ",
    "sql",
    "postgres",
    "tantivy",
    "elastic",
    "lucene",
    "kafka",
    "serde",
    "hyper",
    "axum",
    "tokio",
    "option<",
    "vec<",
    "::",
    ".rs",
    "/home/",
    "taskwire",
];

/// One answer.
struct Heard {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// What is wrong with all that was heard; `None` when nothing is.
pub(super) fn complaint(wanted: &Wanted, heard: &[u8]) -> Option<String> {
    let judged = match wanted {
        Wanted::Nothing => Ok(()),
        Wanted::Closed if heard.is_empty() => Ok(()),
        Wanted::Closed => Err("something was said".to_owned()),
        Wanted::Each(statuses) => each(statuses, heard),
        Wanted::Done(status) => only(heard).and_then(|answer| done(*status, &answer)),
        Wanted::Bare(status) => only(heard).and_then(|answer| bodiless(*status, false, &answer)),
        Wanted::Head(status) => only(heard).and_then(|answer| bodiless(*status, true, &answer)),
        Wanted::Problem(status, code, named) => {
            only(heard).and_then(|answer| problem(*status, code, named.as_deref(), &answer))
        }
    };
    judged.err().map(|complaint| {
        let heard = String::from_utf8_lossy(&heard[..heard.len().min(2_000)]).into_owned();
        format!("{complaint}; wanted {wanted:?}, heard:\n{heard}")
    })
}

fn each(statuses: &[u16], heard: &[u8]) -> Result<(), String> {
    let mut rest = heard;
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (answer, after) = next(rest)?;
        found.push(answer.status);
        rest = after;
    }
    if found == statuses {
        Ok(())
    } else {
        Err(format!("the statuses are {found:?}"))
    }
}

fn done(status: u16, answer: &Heard) -> Result<(), String> {
    has_status(status, answer)?;
    match answer.header("content-type") {
        Some("application/problem+json") => Err("it is a problem".to_owned()),
        _ => Ok(()),
    }
}

/// The service names every request that it sees.
fn bodiless(status: u16, by_the_service: bool, answer: &Heard) -> Result<(), String> {
    has_status(status, answer)?;
    if !answer.body.is_empty() {
        return Err("it has a body".to_owned());
    }
    match answer.header("x-request-id") {
        Some(_) if !by_the_service => Err("it is the service's own".to_owned()),
        None if by_the_service => Err("it is not the service's".to_owned()),
        _ => Ok(()),
    }
}

/// A complete document, which says nothing of the inside.
fn problem(status: u16, code: &str, named: Option<&[String]>, answer: &Heard) -> Result<(), String> {
    has_status(status, answer)?;
    if answer.header("content-type") != Some("application/problem+json") {
        return Err("it is no problem document".to_owned());
    }
    let document: Value =
        serde_json::from_slice(&answer.body).map_err(|error| format!("no JSON: {error}"))?;
    if document["status"] != status || document["code"] != code {
        return Err("the document is about something else".to_owned());
    }
    let request_id = document["requestId"].as_str().filter(|id| !id.is_empty());
    if request_id.is_none() || request_id != answer.header("x-request-id") {
        return Err("the request is not named".to_owned());
    }
    for member in ["title", "detail"] {
        if document[member].as_str().is_none_or(str::is_empty) {
            return Err(format!("there is no {member}"));
        }
    }
    let kind = format!("urn:taskwire:problem:{code}");
    if document["type"] != kind {
        return Err(format!("its type is not {kind}"));
    }
    // The type alone may name the service, and was compared as a whole.
    let text = String::from_utf8_lossy(&answer.body)
        .replace(&kind, "")
        .to_lowercase();
    if let Some(word) = INTERNALS.iter().find(|word| text.contains(*word)) {
        return Err(format!("{word:?} is said outside"));
    }
    match named {
        Some(named) if wrong_values(&document) != named => {
            Err(format!("it names {:?}", wrong_values(&document)))
        }
        _ => Ok(()),
    }
}

/// Each as `place code`.
fn wrong_values(document: &Value) -> Vec<String> {
    let errors = document["errors"].as_array().map_or(&[][..], Vec::as_slice);
    let named = errors.iter().map(|error| {
        let place = ["pointer", "parameter", "header"]
            .iter()
            .find_map(|place| error[place].as_str());
        format!(
            "{} {}",
            place.unwrap_or("nowhere"),
            error["code"].as_str().unwrap_or("nothing")
        )
    });
    named.collect()
}

fn has_status(status: u16, answer: &Heard) -> Result<(), String> {
    if answer.status == status {
        Ok(())
    } else {
        Err(format!("the status is {}", answer.status))
    }
}

/// The one answer that this must be.
fn only(heard: &[u8]) -> Result<Heard, String> {
    let (answer, rest) = next(heard)?;
    if rest.is_empty() {
        Ok(answer)
    } else {
        Err("more is said than one answer".to_owned())
    }
}

/// The first answer, and what stands behind it. One without a length has no body, as one to `HEAD`: nothing here asks
/// for more than a few lines, which the service sends with their length.
fn next(heard: &[u8]) -> Result<(Heard, &[u8]), String> {
    let end = heard.windows(4).position(|four| four == b"\r\n\r\n");
    let (head, rest) = heard.split_at(end.ok_or("there is no answer")? + 4);
    let head = std::str::from_utf8(head).map_err(|_| "the head of the answer is not UTF-8")?;
    let mut lines = head.trim_end().split("\r\n");
    let status_line = lines.next().unwrap_or_default();
    let status = status_line
        .strip_prefix("HTTP/1.")
        .and_then(|rest| rest.get(2..5)?.parse().ok())
        .ok_or("the answer has no status")?;
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let mut answer = Heard {
        status,
        headers,
        body: Vec::new(),
    };
    let length = answer.header("content-length").map_or(Ok(0), str::parse::<usize>);
    let length = length.map_err(|_| "the length of the answer is no number")?;
    // All there is, for the answer to a HEAD has the length of a GET's.
    let (body, rest) = rest.split_at(length.min(rest.len()));
    answer.body = body.to_vec();
    Ok((answer, rest))
}

impl Heard {
    fn header(&self, name: &str) -> Option<&str> {
        let named = self.headers.iter().find(|(known, _)| known == name);
        named.map(|(_, value)| value.as_str())
    }
}
