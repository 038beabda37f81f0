//! Numbers that no JSON has, and those that are JSON and no machine's number.

use super::bodies::no_json;
use super::case::{Case, send};
use super::request::{create, tell};

pub(super) fn cases(task: &str) -> Vec<Case> {
    let digits = "7".repeat(10_000);
    let mut no_numbers: Vec<String> = NO_NUMBERS.map(str::to_owned).to_vec();
    no_numbers.extend([
        digits.clone(),
        format!("-{digits}"),
        format!("{digits}.5"),
        format!("1e{digits}"),
    ]);
    let mut cases: Vec<Case> = no_numbers
        .iter()
        .flat_map(|number| no_json(task, &named(number), format!(r#"{{"version": {number}}}"#)))
        .collect();
    // A server-made field may come back with any value.
    for number in [
        "-0",
        "-0.0",
        "1e308",
        "1e-400",
        "18446744073709551616",
        &format!("0.{digits}"),
        &format!("0e{digits}"),
    ] {
        let body = format!(r#"{{"description": "a", "version": {number}}}"#);
        cases.push(send(format!("{} is passed over", named(number)), create(body)).done(201));
    }
    for (field, number) in OUT_OF_RANGE {
        let sent = tell("POST", "/tasks/search", format!(r#"{{"{field}": {number}}}"#));
        let name = format!("{} as {field}", named(number));
        cases.push(send(name, sent).wrong(&[&format!("/{field} out-of-range")]));
    }
    cases
}

/// Not in JSON's grammar, or beyond what any reader can hold.
const NO_NUMBERS: [&str; 19] = [
    "1e999",
    "1E400",
    "-1e999",
    "NaN",
    "-NaN",
    "Infinity",
    "-Infinity",
    "+1",
    "01",
    "-01",
    "-",
    ".5",
    "5.",
    "1e",
    "1e+",
    "0x10",
    "1_000",
    "1,5",
    "\u{0661}",
];

/// Where a whole number is wanted.
const OUT_OF_RANGE: [(&str, &str); 11] = [
    ("size", "-1"),
    ("size", "101"),
    ("size", "1.5"),
    ("size", "1e3"),
    ("size", "1e-1"),
    ("from", "-9223372036854775809"),
    ("from", "9223372036854775808"),
    ("from", "4294967296"),
    ("from", "99999999999999999999999999"),
    ("from", "1e308"),
    ("from", "10001"),
];

fn named(number: &str) -> String {
    match number.char_indices().nth(20) {
        Some((end, _)) => format!(
            "numbers: {}… of {} characters",
            &number[..end],
            number.chars().count()
        ),
        None => format!("numbers: {number}"),
    }
}
