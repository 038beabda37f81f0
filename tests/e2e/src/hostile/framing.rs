//! Where a body ends: lengths and chunks that contradict themselves or one another.

use super::case::{Case, Step, send};
use super::request::ask;

const BODY: &str = r#"{"description": "a"}"#;

pub(super) fn cases() -> Vec<Case> {
    [lengths(), chunks(), both()].concat()
}

fn posting(headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let head = ask(
        "POST",
        "/tasks",
        &format!("content-type: application/json\r\n{headers}"),
    );
    [&head, body.as_ref()].concat()
}

fn lengths() -> Vec<Case> {
    // The HTTP library refuses them.
    let mut cases: Vec<Case> = [
        "content-length: -1\r\n",
        "content-length: +20\r\n",
        "content-length: 0x14\r\n",
        "content-length: 2e1\r\n",
        "content-length: 20.0\r\n",
        "content-length: 2 0\r\n",
        "content-length: 20, 21\r\n",
        "content-length: 20\r\ncontent-length: 21\r\n",
        "content-length: \r\n",
        "content-length: a\r\n",
        "content-length: \u{0662}\u{0660}\r\n",
        "content-length: 18446744073709551616\r\n",
        "content-length: 99999999999999999999999999999999\r\n",
    ]
    .map(|header| send(format!("framing: {header:?}"), posting(header, BODY)).bare(400))
    .to_vec();
    cases.extend([
        send(
            "framing: leading zeros",
            posting("content-length: 0000000020\r\n", BODY),
        )
        .done(201),
        send("framing: no length", posting("", BODY)).wrong(&[" malformed-json"]),
        send(
            "framing: a length too short",
            posting("content-length: 19\r\n", BODY),
        )
        .wrong(&[" malformed-json"]),
        send(
            "framing: a length too long",
            posting("content-length: 21\r\n", BODY),
        )
        .then(Step::EndSending)
        .wrong(&[" incomplete-body"]),
        send(
            "framing: the greatest length",
            posting("content-length: 18446744073709551615\r\n", BODY),
        )
        .bare(431),
    ]);
    cases
}

fn chunks() -> Vec<Case> {
    let chunked = |name: &str, body: &str| {
        send(
            format!("framing: {name}"),
            posting("transfer-encoding: chunked\r\n", body),
        )
    };
    let of_one_byte: String = BODY.chars().map(|byte| format!("1\r\n{byte}\r\n")).collect();
    let zeros = "0".repeat(14);
    let extension = "a".repeat(10_000);
    let broken = [
        "x\r\n",
        "-1\r\n",
        "+14\r\n",
        "0x14\r\n",
        "14",
        "1\r\nab\r\n",
        "14\r\n{}\r\n0\r\n\r\n",
        "\r\n",
        ";a=b\r\n",
    ];
    let mut cases: Vec<Case> = broken
        .map(|body| {
            let sent = chunked(&format!("chunks {body:?}"), body).then(Step::EndSending);
            sent.wrong(&[" incomplete-body"])
        })
        .to_vec();
    cases.extend([
        chunked("a size of 17 digits", "fffffffffffffffff\r\na\r\n").wrong(&[" incomplete-body"]),
        chunked("the greatest size", "ffffffffffffffff\r\na\r\n")
            .then(Step::EndSending)
            .wrong(&[" incomplete-body"]),
        chunked("chunks of one byte", &format!("{of_one_byte}0\r\n\r\n")).done(201),
        chunked(
            "a size with zeros in front",
            &format!("{zeros}14\r\n{BODY}\r\n0\r\n\r\n"),
        )
        .done(201),
        chunked("an extension", &format!("14;a=\"b;c\"\r\n{BODY}\r\n0\r\n\r\n")).done(201),
        chunked(
            "an extension of 10,000 bytes",
            &format!("14;{extension}\r\n{BODY}\r\n0\r\n\r\n"),
        )
        .done(201),
        chunked(
            "trailers",
            &format!("14\r\n{BODY}\r\n0\r\nx-a: 1\r\ncontent-length: 5\r\n\r\n"),
        )
        .done(201),
        chunked(
            "10,000 trailers",
            &format!("14\r\n{BODY}\r\n0\r\n{}\r\n", "x-a: 1\r\n".repeat(10_000)),
        )
        .wrong(&[" incomplete-body"]),
        chunked("no end", &format!("14\r\n{BODY}\r\n"))
            .then(Step::EndSending)
            .wrong(&[" incomplete-body"]),
    ]);
    cases
}

/// What one reader takes for a body and another for a request is how requests are smuggled.
fn both() -> Vec<Case> {
    let chunked = format!("14\r\n{BODY}\r\n0\r\n\r\n");
    let smuggled = format!("{chunked}GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n");
    let case =
        |name: &str, headers: &str, body: &str| send(format!("framing: {name}"), posting(headers, body));
    let zero = "0\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n";
    let one_length = "content-length: 20\r\n";
    vec![
        // The connection ends behind the one answer, and nothing that follows is read.
        case(
            "a length and chunks",
            "content-length: 6\r\ntransfer-encoding: chunked\r\n",
            &smuggled,
        )
        .done(201),
        case(
            "chunks and a length",
            "transfer-encoding: chunked\r\ncontent-length: 6\r\n",
            zero,
        )
        .wrong(&[" malformed-json"]),
        case(
            "chunks behind something else",
            "transfer-encoding: chunked, identity\r\n",
            &chunked,
        )
        .bare(400),
        case("an unknown coding", "transfer-encoding: xchunked\r\n", &chunked).bare(400),
        case(
            "a coding in two lines",
            "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n",
            &chunked,
        )
        .bare(400),
        case(
            "a coding by a vertical tab",
            "transfer-encoding:\x0bchunked\r\n",
            &chunked,
        )
        .bare(400),
        // What it may hide is not looked for, and is no JSON.
        case(
            "a coding that nobody has, around chunks",
            "transfer-encoding: gzip, chunked\r\n",
            "3\r\n\x1f\u{8}\0\r\n0\r\n\r\n",
        )
        .wrong(&[" malformed-json"]),
        case("identity", "transfer-encoding: identity\r\n", BODY).bare(400),
        send(
            "framing: a space before the colon of a coding",
            posting(&format!("{one_length}transfer-encoding : chunked\r\n"), &chunked),
        )
        .bare(400),
        send(
            "framing: chunks in HTTP/1.0",
            String::from_utf8_lossy(&posting("transfer-encoding: chunked\r\n", &chunked))
                .replace("HTTP/1.1", "HTTP/1.0")
                .into_bytes(),
        )
        .bare(400),
    ]
}
