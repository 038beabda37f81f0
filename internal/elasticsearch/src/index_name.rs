//! The name under which the index is searched.

use std::fmt;
use std::str::FromStr;

/// The search alias: 1 to 200 lower-case ASCII letters, digits, `-`, `_` and `.`, the first a letter or a digit.
///
/// Narrower than Elasticsearch's own rules (255 bytes, no upper case, none of `\/*?"<>| ,#:`, no leading `-_+.`), so
/// that a name needs no escaping in a URL and leaves room for `-v1-000001-write`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexName(String);

impl IndexName {
    const MAX_BYTES: usize = 200;

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IndexName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let starts_well = text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
        let is_allowed =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
        if text.len() > Self::MAX_BYTES || !starts_well || !text.chars().all(is_allowed) {
            return Err(
                "an index name has 1 to 200 characters out of a-z, 0-9, '-', '_' and '.', \
                        and begins with a letter or a digit",
            );
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for IndexName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_elasticsearch_would_refuse_is_refused_here() {
        for name in ["tasks", "7tasks", "my-tasks_2.eu", &"a".repeat(200)] {
            assert_eq!(name.parse::<IndexName>().unwrap().as_str(), name);
        }
        let too_long = "a".repeat(201);
        for name in [
            "", "Tasks", "_tasks", "-tasks", "+tasks", ".tasks", "..", "a/b", "a*", "a,b", "a b", "a:b",
            "a#b", "täsks", &too_long,
        ] {
            assert!(name.parse::<IndexName>().is_err(), "{name:?}");
        }
    }
}
