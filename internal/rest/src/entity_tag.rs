//! A task's version as an entity tag (RFC 9110, section 8.8.3), and the conditions that name such tags.

use axum::http::{HeaderMap, HeaderName, header};
use taskwire_domain::{FieldError, Location, Version, Violation};
use taskwire_service::{Precondition, Versions};

use crate::AppState;
use crate::failure::{Refusal, both};
use crate::json_object::Decoded;

/// The strong tag of a version.
pub(crate) fn of(version: Version) -> String {
    format!("\"{version}\"")
}

/// The versions at which `If-Match` and `If-None-Match` allow a write; without either, any.
pub(crate) fn precondition(headers: &HeaderMap) -> Decoded<Precondition> {
    let allowed = condition(headers, &header::IF_MATCH);
    let (allowed, refused) = both(allowed, known_copies(headers))?;
    Ok(Precondition {
        allowed: allowed.map_or(Versions::All, Condition::strong),
        refused,
    })
}

/// The versions at which `If-Match` with this text allows a write.
pub(crate) fn if_match(list: &str) -> Result<Precondition, Violation> {
    let condition = parse(list.as_bytes()).ok_or_else(malformed)?;
    Ok(Precondition::only(condition.strong()))
}

/// The versions of which the caller says in `If-None-Match` to have a copy.
pub(crate) fn known_copies(headers: &HeaderMap) -> Decoded<Versions> {
    let condition = condition(headers, &header::IF_NONE_MATCH)?;
    Ok(condition.map_or(Versions::NONE, Condition::weak))
}

/// Refuses a write that does not say which version it is meant for, where the operator demands it.
pub(crate) fn require_if_match(app: &AppState, headers: &HeaderMap) -> Result<(), Refusal> {
    if app.config.require_if_match && !headers.contains_key(header::IF_MATCH) {
        return Err(Refusal::PreconditionRequired);
    }
    Ok(())
}

enum Condition {
    Any,
    Tags(Vec<Tag>),
}

impl Condition {
    /// What it names for `If-Match`: a weak tag never matches, nor does a tag that we never gave.
    fn strong(self) -> Versions {
        self.versions(|tag| !tag.weak)
    }

    /// What it names for `If-None-Match`. Weak tags count here: they name the same content.
    fn weak(self) -> Versions {
        self.versions(|_| true)
    }

    fn versions(self, counts: impl Fn(&Tag) -> bool) -> Versions {
        match self {
            Self::Any => Versions::All,
            Self::Tags(tags) => {
                let counting = tags.iter().filter(|tag| counts(tag));
                Versions::These(counting.filter_map(Tag::version).collect())
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

    fn allowed(lines: &[&str]) -> Option<Versions> {
        let precondition = precondition(&with(header::IF_MATCH, lines)).ok()?;
        assert_eq!(precondition.refused, Versions::NONE);
        Some(precondition.allowed)
    }

    #[test]
    fn if_match_is_any_or_the_strong_tags_of_every_line() {
        let one_of = |numbers: &[i64]| Some(Versions::These(numbers.iter().copied().map(version).collect()));
        assert_eq!(allowed(&[]), Some(Versions::All));
        assert_eq!(allowed(&["*"]), Some(Versions::All));
        assert_eq!(allowed(&["\"3\""]), one_of(&[3]));
        assert_eq!(allowed(&["\"3\" , ,\"4\"", "\"12\""]), one_of(&[3, 4, 12]));
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
            assert_eq!(allowed(&[never]), one_of(&[]), "{never}");
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
            let errors = precondition(&with(header::IF_MATCH, &[wrong])).unwrap_err();
            assert_eq!(errors[0].location, Location::Header("if-match".into()), "{wrong}");
        }
    }

    #[test]
    fn if_none_match_compares_weakly() {
        let known = |lines: &[&str]| {
            let headers = with(header::IF_NONE_MATCH, lines);
            let known = known_copies(&headers).unwrap();
            let wanted = Precondition {
                allowed: Versions::All,
                refused: known.clone(),
            };
            assert_eq!(precondition(&headers).unwrap(), wanted);
            known.include(version(3))
        };
        assert!(known(&["\"2\", W/\"3\""]));
        assert!(known(&["*"]));
        assert!(!known(&["\"2\""]));
        assert!(!known(&[]));
    }
}
