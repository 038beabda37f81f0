//! Texts with rules.

use serde::{Deserialize, Serialize};

use crate::Violation;

/// What is to be done: 1 to 4,096 characters, not blank, no NUL (PostgreSQL cannot hold one).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Description(String);

impl Description {
    /// The limit, in Unicode scalar values.
    pub const MAX_CHARS: usize = 4_096;

    /// Checks every rule; the first broken one is the answer.
    pub fn parse(text: String) -> Result<Self, Violation> {
        if text.trim().is_empty() {
            return Err(Violation::new("blank", "must not be blank"));
        }
        if text.contains('\0') {
            return Err(Violation::new(
                "nul-character",
                "must not contain the character U+0000",
            ));
        }
        if text.chars().count() > Self::MAX_CHARS {
            return Err(Violation::new("too-long", "must have at most 4096 characters"));
        }
        Ok(Self(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The caller's own key for a task: 1 to 255 printable characters, unique among all tasks.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ExternalId(String);

impl ExternalId {
    /// The limit, in Unicode scalar values.
    pub const MAX_CHARS: usize = 255;

    /// Checks every rule; the first broken one is the answer.
    pub fn parse(text: String) -> Result<Self, Violation> {
        let length = text.chars().count();
        if length == 0 || length > Self::MAX_CHARS {
            return Err(Violation::new("invalid-length", "must have 1 to 255 characters"));
        }
        if text.chars().any(char::is_control) {
            return Err(Violation::new(
                "not-printable",
                "must not contain control characters",
            ));
        }
        Ok(Self(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! text_conversions {
    ($name:ident) => {
        impl TryFrom<String> for $name {
            type Error = String;
            fn try_from(text: String) -> Result<Self, String> {
                Self::parse(text).map_err(|violation| violation.detail)
            }
        }
        impl From<$name> for String {
            fn from(text: $name) -> String {
                text.0
            }
        }
    };
}
text_conversions!(Description);
text_conversions!(ExternalId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_counted_in_characters_not_bytes() {
        assert!(Description::parse("ж".repeat(4_096)).is_ok());
        assert_eq!(
            Description::parse("ж".repeat(4_097)).unwrap_err().code,
            "too-long"
        );
    }

    #[test]
    fn blank_and_nul_descriptions_are_refused() {
        for blank in ["", " ", "\t\n", "\u{3000}"] {
            assert_eq!(
                Description::parse(blank.into()).unwrap_err().code,
                "blank",
                "{blank:?}"
            );
        }
        assert_eq!(
            Description::parse("a\0b".into()).unwrap_err().code,
            "nul-character"
        );
    }

    #[test]
    fn an_external_id_is_short_and_printable() {
        assert!(ExternalId::parse("JIRA-17 ✓".into()).is_ok());
        assert_eq!(
            ExternalId::parse(String::new()).unwrap_err().code,
            "invalid-length"
        );
        assert_eq!(
            ExternalId::parse("x".repeat(256)).unwrap_err().code,
            "invalid-length"
        );
        assert_eq!(
            ExternalId::parse("a\nb".into()).unwrap_err().code,
            "not-printable"
        );
    }
}
