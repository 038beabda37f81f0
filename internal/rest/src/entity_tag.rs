//! A task's version as an entity tag (RFC 9110, section 8.8.3), and the conditions that name such tags.

use axum::http::{HeaderMap, HeaderName, header};
use taskwire_domain::{FieldError, Location, Version, Violation};
use taskwire_service::Precondition;

use crate::AppState;
use crate::failure::Refusal;
use crate::json_object::Decoded;

/// The strong tag of a version.
pub(crate) fn of(version: Version) -> String {
    format!("\"{version}\"")
}

/// The versions at which `If-Match` allows a write; absent, any. A weak tag never matches, nor does a tag that we
/// never gave.
pub(crate) fn if_match(headers: &HeaderMap) -> Decoded<Precondition> {
    let condition = condition(headers, &header::IF_MATCH)?;
    Ok(condition.map_or(Precondition::Any, |condition| condition.precondition()))
}

/// As [`if_match`], of the header's text alone.
pub(crate) fn precondition(list: &str) -> Result<Precondition, Violation> {
    let condition = parse(list.as_bytes()).ok_or_else(malformed)?;
    Ok(condition.precondition())
}

/// Refuses a write that does not say which version it is meant for, where the operator demands it.
pub(crate) fn require_if_match(app: &AppState, headers: &HeaderMap) -> Result<(), Refusal> {
    if app.config.require_if_match && !headers.contains_key(header::IF_MATCH) {
        return Err(Refusal::PreconditionRequired);
    }
    Ok(())
}

/// The copies that a reader says in `If-None-Match` to have.
pub(crate) struct KnownCopies(Option<Condition>);

impl KnownCopies {
    /// Reads the header.
    pub(crate) fn of(headers: &HeaderMap) -> Decoded<Self> {
        condition(headers, &header::IF_NONE_MATCH).map(Self)
    }

    /// Whether this version is among them. Weak tags count here: they name the same content.
    pub(crate) fn include(&self, version: Version) -> bool {
        match &self.0 {
            None => false,
            Some(Condition::Any) => true,
            Some(Condition::Tags(tags)) => tags.iter().any(|tag| tag.version() == Some(version)),
        }
    }
}

enum Condition {
    Any,
    Tags(Vec<Tag>),
}

impl Condition {
    fn precondition(&self) -> Precondition {
        match self {
            Self::Any => Precondition::Any,
            Self::Tags(tags) => {
                let strong = tags.iter().filter(|tag| !tag.weak);
                Precondition::OneOf(strong.filter_map(Tag::version).collect())
            }
        }
    }
}

struct Tag {
    weak: bool,
    opaque: String,
}

impl Tag {
    fn version(&self) -> Option<Version> {
        let version = self.opaque.parse().ok().and_then(Version::new)?;
        // A tag is compared as it stands: "07" and "+7" are not "7".
        (version.to_string() == self.opaque).then_some(version)
    }
}

fn condition(headers: &HeaderMap, name: &HeaderName) -> Decoded<Option<Condition>> {
    let lines: Vec<&[u8]> = headers.get_all(name).iter().map(|line| line.as_bytes()).collect();
    if lines.is_empty() {
        return Ok(None);
    }
    parse(&lines.join(&b","[..])).map(Some).ok_or_else(|| {
        vec![FieldError {
            location: Location::Header(name.as_str().to_owned()),
            violation: malformed(),
        }]
    })
}

fn malformed() -> Violation {
    Violation::new(
        "malformed-entity-tag",
        "must be * or a list of quoted entity tags, such as \"3\"",
    )
}

/// `*` or a comma-separated list of tags, in which empty elements are allowed but not alone.
fn parse(list: &[u8]) -> Option<Condition> {
    let mut rest = list.trim_ascii();
    if rest == b"*" {
        return Some(Condition::Any);
    }
    let mut tags = Vec::new();
    while !rest.is_empty() {
        if let Some(after_comma) = rest.strip_prefix(b",") {
            rest = after_comma.trim_ascii_start();
            continue;
        }
        let (tag, after_tag) = parse_tag(rest)?;
        tags.push(tag);
        rest = after_tag.trim_ascii_start();
        if !rest.is_empty() && !rest.starts_with(b",") {
            return None;
        }
    }
    (!tags.is_empty()).then_some(Condition::Tags(tags))
}

fn parse_tag(text: &[u8]) -> Option<(Tag, &[u8])> {
    let (weak, text) = match text.strip_prefix(b"W/") {
        Some(text) => (true, text),
        None => (false, text),
    };
    let text = text.strip_prefix(b"\"")?;
    let end = text.iter().position(|&byte| byte == b'"')?;
    let (opaque, rest) = (&text[..end], &text[end + 1..]);
    let allowed = opaque
        .iter()
        .all(|&byte| byte == b'!' || (b'#'..=b'~').contains(&byte) || byte >= 0x80);
    let opaque = String::from_utf8_lossy(opaque).into_owned();
    allowed.then_some((Tag { weak, opaque }, rest))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn version(number: i64) -> Version {
        Version::new(number).unwrap()
    }

    fn with(name: HeaderName, lines: &[&str]) -> HeaderMap {
        lines
            .iter()
            .map(|line| (name.clone(), HeaderValue::from_str(line).unwrap()))
            .collect()
    }

    fn precondition(lines: &[&str]) -> Option<Precondition> {
        if_match(&with(header::IF_MATCH, lines)).ok()
    }

    #[test]
    fn if_match_is_any_or_the_strong_tags_of_every_line() {
        let one_of = |numbers: &[i64]| {
            Some(Precondition::OneOf(
                numbers.iter().copied().map(version).collect(),
            ))
        };
        assert_eq!(precondition(&[]), Some(Precondition::Any));
        assert_eq!(precondition(&["*"]), Some(Precondition::Any));
        assert_eq!(precondition(&["\"3\""]), one_of(&[3]));
        assert_eq!(precondition(&["\"3\" , ,\"4\"", "\"12\""]), one_of(&[3, 4, 12]));
        for never in [
            "W/\"3\"",
            "\"03\"",
            "\"+3\"",
            "\"0\"",
            "\"-1\"",
            "\"\"",
            "\"a,b\"",
            "\"99999999999999999999\"",
        ] {
            assert_eq!(precondition(&[never]), one_of(&[]), "{never}");
        }
    }

    #[test]
    fn a_malformed_condition_is_refused() {
        for wrong in [
            "",
            ",",
            "3",
            "\"3",
            "3\"",
            "\"3\" \"4\"",
            "w/\"3\"",
            "W/ \"3\"",
            "*, \"3\"",
            "\"a b\"",
        ] {
            let errors = if_match(&with(header::IF_MATCH, &[wrong])).unwrap_err();
            assert_eq!(errors[0].location, Location::Header("if-match".into()), "{wrong}");
        }
    }

    #[test]
    fn if_none_match_compares_weakly() {
        let known = |lines: &[&str]| {
            KnownCopies::of(&with(header::IF_NONE_MATCH, lines))
                .unwrap()
                .include(version(3))
        };
        assert!(known(&["\"2\", W/\"3\""]));
        assert!(known(&["*"]));
        assert!(!known(&["\"2\""]));
        assert!(!known(&[]));
    }
}
