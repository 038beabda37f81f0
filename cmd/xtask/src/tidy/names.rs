//! A file is named for its one concern. Under a name that means nothing everything fits, and so everything lands there.

use super::{Violation, repository::Repository};

const FORBIDDEN: &[&str] = &["utils", "util", "common", "helpers", "helper", "manager", "types"];

/// Modules and crates with such a name.
pub(crate) fn check(repository: &Repository) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in repository
        .files
        .iter()
        .filter(|file| file.is_rust() || file.path.ends_with("Cargo.toml"))
    {
        let parts = file.path.split('/').map(|part| part.trim_end_matches(".rs"));
        violations.extend(
            parts
                .filter(|part| FORBIDDEN.contains(part))
                .map(|part| Violation::in_file(&file.path, reason(part))),
        );
        for (index, line) in file.text.lines().enumerate() {
            if let Some(name) = inline_module(line).filter(|name| FORBIDDEN.contains(name)) {
                violations.push(Violation::at(&file.path, index, reason(name)));
            }
        }
    }
    violations
}

fn reason(name: &str) -> String {
    format!("`{name}` says nothing: name it for its concern")
}

/// The name in `mod name {`, whatever its visibility.
fn inline_module(line: &str) -> Option<&str> {
    let (before, after) = line.trim().split_once("mod ")?;
    let is_item = before.is_empty() || before.starts_with("pub");
    let name = after.strip_suffix('{')?.trim();
    is_item.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::{super::repository::of_files, check};

    #[test]
    fn a_name_that_says_nothing_is_refused_for_a_file_a_folder_and_a_module() {
        let repository = of_files(&[
            ("a/src/utils.rs", ""),
            ("internal/common/Cargo.toml", ""),
            ("a/tests/helpers/mod.rs", ""),
            (
                "a/src/fine.rs",
                "// about mod types {\n  pub(crate) mod types {\n}\n",
            ),
            ("docs/common.md", ""),
            ("a/src/task_manager_port.rs", "mod helpers_of_none {\n}\n"),
        ]);
        let found = check(&repository);
        let found: Vec<(&str, Option<usize>)> = found.iter().map(|it| (it.file.as_str(), it.line)).collect();
        assert_eq!(
            found,
            [
                ("a/src/utils.rs", None),
                ("internal/common/Cargo.toml", None),
                ("a/tests/helpers/mod.rs", None),
                ("a/src/fine.rs", Some(2)),
            ]
        );
    }
}
