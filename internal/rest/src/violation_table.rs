//! The one table of the codes with which single values of a request are refused. A code that is not in it fails the tests
//! of whatever answers it; which operation answers which is told in `docs/endpoint/refusals.rs`.

/// Every code, in the order of the alphabet, and what it says of the value.
pub(crate) const MEANINGS: [(&str, &str); 38] = [
    ("blank", "nothing but white space"),
    (
        "duplicate",
        "in the same list before; the case of a category does not count",
    ),
    ("duplicate-name", "a name that stands twice in its object"),
    ("empty-page", "a `size` of 0 with a `cursor`"),
    ("from-with-cursor", "a `from` with a `cursor`"),
    ("incomplete-body", "a body that broke off or is framed wrongly"),
    (
        "invalid-cursor",
        "not what `nextCursor` said, or of another search or list",
    ),
    (
        "invalid-duration",
        "not a time such as `2s` or `500ms`, or too long a one",
    ),
    ("invalid-length", "too few characters or too many"),
    (
        "invalid-time",
        "not an RFC 3339 time with an offset, or not in the years 1 to 9999",
    ),
    ("invalid-token", "not what `X-Consistency-Token` said"),
    ("invalid-uuid", "not a UUID with its hyphens"),
    (
        "malformed-entity-tag",
        "neither `*` nor a list of quoted entity tags",
    ),
    ("malformed-host", "not a host"),
    ("malformed-json", "not JSON, or with too many values"),
    (
        "malformed-string",
        "a quoted string that does not end with its quote",
    ),
    ("missing", "absent, and required"),
    ("not-printable", "characters that are not printable"),
    ("not-utf-8", "not percent-encoded UTF-8"),
    ("nul-character", "the character U+0000"),
    (
        "out-of-range",
        "a number that is too small, too large or not whole",
    ),
    ("repeated", "more than one, where one may stand"),
    ("start-after-due", "a `start` that is later than `due`"),
    ("too-deep", "a parent under which a task would stand too deep"),
    ("too-few", "too few items"),
    ("too-long", "too many characters"),
    ("too-many", "too many items"),
    ("too-many-phrases", "too many phrases and exclusions"),
    ("too-many-words", "too many words"),
    ("unknown-facet", "not the name of a facet"),
    ("unknown-field", "not a field of its object"),
    ("unknown-operation", "not what a bulk can do"),
    ("unknown-parameter", "not a query parameter of the operation"),
    ("unknown-parent", "not the id of a task that exists"),
    ("unknown-priority", "not the name of a priority"),
    ("unknown-sort", "not an order of the operation"),
    (
        "window-too-large",
        "a `from` and `size` that reach farther than one gets without a `cursor`",
    ),
    ("wrong-type", "not of the type that it has to be"),
];

/// What the code says of the value that it refuses.
pub(crate) fn meaning(code: &str) -> Option<&'static str> {
    let row = MEANINGS.iter().find(|(known, _)| *known == code);
    row.map(|(_, meaning)| *meaning)
}
