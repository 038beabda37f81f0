//! The tasks that are written.

use serde_json::json;

/// Each a body of `POST /tasks`: the text, and what filters tell apart.
pub fn bodies(texts: &[String]) -> Vec<Vec<u8>> {
    let numbered = texts.iter().enumerate();
    let bodies = numbered.map(|(number, text)| {
        json!({
            "description": text,
            "priority": PRIORITIES[number % PRIORITIES.len()],
            "isDone": number % 3 == 0,
        })
    });
    bodies.map(|body| body.to_string().into_bytes()).collect()
}

/// Every priority there is.
pub const PRIORITIES: [&str; 4] = ["none", "low", "medium", "high"];
