//! Well-formed requests around what is hostile in them, as bytes. Each asks for the connection to be closed.

/// Of this method and target without a body; `headers` are whole lines, each with its line end.
pub(super) fn ask(method: &str, target: &str, headers: &str) -> Vec<u8> {
    format!("{method} {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n").into_bytes()
}

/// `GET` without anything else.
pub(super) fn get(target: &str) -> Vec<u8> {
    ask("GET", target, "")
}

/// With a body that is said to be JSON, and more headers.
pub(super) fn tell_with(method: &str, target: &str, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let headers = format!(
        "content-type: application/json\r\ncontent-length: {}\r\n{headers}",
        body.len()
    );
    [&ask(method, target, &headers), body].concat()
}

/// With a body that is said to be JSON.
pub(super) fn tell(method: &str, target: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    tell_with(method, target, "", body)
}

/// `POST /tasks` with this body.
pub(super) fn create(body: impl AsRef<[u8]>) -> Vec<u8> {
    tell("POST", "/tasks", body)
}

/// What stands for a target in the name of a case: the task's id is another one in every run.
pub(super) fn template(target: &str) -> &str {
    let id = target.strip_prefix("/tasks/").unwrap_or_default();
    if id.len() == 36 { "/tasks/{id}" } else { target }
}
