//! No trailing blanks, and a line feed at the end. Invisible differences make diffs longer and shells behave oddly.

use super::{Violation, repository::Repository};

/// Lines with trailing blanks, and files that do not end with a line feed.
pub(crate) fn check(repository: &Repository) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in &repository.files {
        let lines = file.text.split('\n').enumerate();
        let trailing = lines.filter(|(_, line)| line.ends_with(char::is_whitespace));
        violations.extend(trailing.map(|(index, _)| Violation::at(&file.path, index, "trailing whitespace")));
        if !file.text.is_empty() && !file.text.ends_with('\n') {
            violations.push(Violation::in_file(&file.path, "no line feed at the end"));
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::{super::repository::of_files, check};

    #[test]
    fn trailing_blanks_carriage_returns_and_open_ends_are_refused() {
        let repository = of_files(&[("a", "fine\n\nx \n\t\ny\r\nz"), ("b", ""), ("c", "fine\n")]);
        let found = check(&repository);
        let lines: Vec<_> = found.iter().map(|it| (it.file.as_str(), it.line)).collect();
        assert_eq!(
            lines,
            [("a", Some(3)), ("a", Some(4)), ("a", Some(5)), ("a", None)]
        );
    }
}
