//! What is written: real texts, and a value for every field. Each write leaves its number in the task.

use fastrand::Rng;
use serde_json::{Value, json};

/// Before a write's number at the end of a description.
const IN_DESCRIPTION: &str = " #w";
/// Before a write's number in a category.
const IN_CATEGORY: &str = "write-";

/// All fields, for a create or a replacement.
pub(crate) fn whole(
    rng: &mut Rng,
    texts: &[String],
    parents: &[String],
    external_id: Option<&str>,
    number: usize,
) -> Value {
    let mut categories: Vec<&str> = ["Home", "work", "später", "買い物", "a b"]
        .into_iter()
        .filter(|_| rng.u8(..4) == 0)
        .collect();
    rng.shuffle(&mut categories);
    // A change of parent excludes every other one in the whole tree, so there are not too many.
    let parent = if rng.u8(..16) == 0 {
        rng.choice(parents)
    } else {
        None
    };
    json!({
        "externalId": external_id,
        "description": description(rng, texts, number),
        "priority": priority(rng),
        "dates": dates(rng),
        "isDone": rng.bool(),
        "parentId": parent,
        "categories": categories,
    })
}

/// Some fields, for a patch.
pub(crate) fn some(rng: &mut Rng, texts: &[String], number: usize) -> Value {
    let mut fields = if rng.bool() {
        json!({ "description": description(rng, texts, number) })
    } else {
        json!({ "categories": ["patched", format!("{IN_CATEGORY}{number}")] })
    };
    match rng.u8(..4) {
        0 => fields["priority"] = priority(rng).into(),
        1 => fields["dates"] = dates(rng),
        2 => fields["isDone"] = rng.bool().into(),
        _ => {}
    }
    fields
}

/// The numbers that a task's description and categories bear.
pub(crate) fn numbers(task: &Value) -> (Option<usize>, Option<usize>) {
    let description = task["description"].as_str().unwrap_or_default();
    let in_description = description.rsplit_once(IN_DESCRIPTION);
    let mut categories = task["categories"].as_array().into_iter().flatten();
    let in_category = categories.find_map(|category| category.as_str()?.strip_prefix(IN_CATEGORY));
    (
        in_description.and_then(|(_, number)| number.parse().ok()),
        in_category.and_then(|number| number.parse().ok()),
    )
}

/// A short text that bears a write's number.
pub(crate) fn marked(text: &str, number: usize) -> String {
    format!("{text}{IN_DESCRIPTION}{number}")
}

fn description(rng: &mut Rng, texts: &[String], number: usize) -> String {
    let text = rng.choice(texts).map_or("a task", String::as_str);
    let text: String = text.chars().take(4_000).collect();
    marked(&text, number)
}

fn priority(rng: &mut Rng) -> &'static str {
    ["none", "low", "medium", "high"][rng.usize(..4)]
}

fn dates(rng: &mut Rng) -> Value {
    let start = rng.bool().then(|| time(rng, 2025));
    let due = rng.bool().then(|| time(rng, 2027));
    json!({"start": start, "due": due})
}

fn time(rng: &mut Rng, year: u32) -> String {
    let (month, day, hour, millis) = (rng.u32(1..=12), rng.u32(1..=28), rng.u32(..24), rng.u32(..1_000));
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:30:15.{millis:03}Z")
}
