//! A file has at most 500 lines besides its tests. One that outgrows them holds more than one concern, and a limit that
//! is not enforced is passed by everybody.

use super::{Violation, repository::Repository};

const LIMIT: usize = 500;

/// Rust files that are too long.
pub(crate) fn check(repository: &Repository) -> Vec<Violation> {
    let code = repository.rust_files().filter(|file| !file.is_test());
    let counted = code.map(|file| (&file.path, lines_besides_tests(&file.text)));
    let long = counted.filter(|(_, lines)| *lines > LIMIT);
    long.map(|(path, lines)| {
        Violation::in_file(
            path,
            format!("{lines} lines besides tests, {LIMIT} are allowed: split it by concern"),
        )
    })
    .collect()
}

/// Counts lines outside of modules under `#[cfg(test)]`. Such a module ends with the first brace in the column it begins
/// in: `cargo fmt` sees to that.
fn lines_besides_tests(text: &str) -> usize {
    let mut lines = text.lines().peekable();
    let mut count = 0;
    while let Some(line) = lines.next() {
        let indent = &line[..line.len() - line.trim_start().len()];
        let opens = |next: &&str| next.trim_start().starts_with("mod ") && next.trim_end().ends_with('{');
        if line.trim() == "#[cfg(test)]" && lines.peek().is_some_and(opens) {
            let end = format!("{indent}}}");
            lines.by_ref().find(|line| *line == end);
        } else {
            count += 1;
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::{super::repository::of_files, LIMIT, check, lines_besides_tests};

    #[test]
    fn a_test_module_does_not_count_and_what_follows_it_does() {
        let text =
            "fn a() {}\n\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn b() {\n    }\n}\n\nfn c() {}\n";
        assert_eq!(lines_besides_tests(text), 4);
        assert_eq!(lines_besides_tests("#[cfg(test)]\nfn only_for_tests() {}\n"), 2);
        assert_eq!(lines_besides_tests(""), 0);
    }

    #[test]
    fn a_long_file_is_refused_unless_it_is_a_test() {
        let (long, just_right) = ("//\n".repeat(LIMIT + 1), "//\n".repeat(LIMIT));
        let repository = of_files(&[
            ("a/src/long.rs", &long),
            ("a/src/right.rs", &just_right),
            ("a/tests/long.rs", &long),
        ]);
        let found = check(&repository);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].file, "a/src/long.rs");
    }
}
