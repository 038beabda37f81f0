//! No test is ignored. One that may not run guards nothing, and nobody notices when it would have failed; tests that need
//! engines are turned on by the `engines` feature instead, and counted.

use super::{Violation, repository::Repository};

/// Lines that ignore a test.
pub(crate) fn check(repository: &Repository) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in repository.rust_files() {
        let lines = file.text.lines().enumerate().filter(|(_, line)| ignores(line));
        violations.extend(lines.map(|(index, _)| {
            Violation::at(
                &file.path,
                index,
                "an ignored test: fix it, remove it, or put it behind `engines`",
            )
        }));
    }
    violations
}

fn ignores(line: &str) -> bool {
    let line = line.trim_start();
    let attribute = line.strip_prefix("#[").map(str::trim_start);
    attribute.is_some_and(|attribute| {
        let word = attribute
            .split(|letter: char| !letter.is_alphanumeric() && letter != '_')
            .next();
        word == Some("ignore") || attribute.starts_with("cfg_attr(") && attribute.contains(" ignore")
    })
}

#[cfg(test)]
mod tests {
    use super::{super::repository::of_files, check};

    #[test]
    fn an_ignored_test_is_refused_in_every_spelling() {
        let text = "#[test]\n    #[ignore]\n#[ignore = \"slow\"]\n#[cfg_attr(windows, ignore)]\n// #[ignore]\n#[ignored]\n";
        let found: Vec<_> = check(&of_files(&[("a/tests/t.rs", text)]))
            .into_iter()
            .map(|it| it.line)
            .collect();
        assert_eq!(found, [Some(2), Some(3), Some(4)]);
    }
}
