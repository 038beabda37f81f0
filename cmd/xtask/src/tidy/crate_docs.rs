//! Every crate begins by saying what it is for and what it must not do: the first thing a reader looks for, and the first
//! thing that is forgotten.

use super::{Violation, repository::Repository};

/// Library and binary roots whose first line is no crate doc.
pub(crate) fn check(repository: &Repository) -> Vec<Violation> {
    let roots = repository.packages.iter().flat_map(|package| &package.roots);
    let roots = roots.map(|root| repository.relative(root));
    let undocumented = roots.filter(|root| {
        repository
            .files
            .iter()
            .any(|file| file.path == *root && !begins_with_doc(&file.text))
    });
    undocumented
        .map(|root| Violation::in_file(&root, "begin with a `//!` that says what the crate is for"))
        .collect()
}

fn begins_with_doc(text: &str) -> bool {
    text.strip_prefix("//!")
        .and_then(|rest| rest.lines().next())
        .is_some_and(|line| !line.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::{super::repository::of_files, check};
    use crate::cargo::Package;

    #[test]
    fn a_crate_that_begins_without_a_doc_is_refused() {
        let mut repository = of_files(&[
            ("a/src/lib.rs", "//! Keeps tasks.\n"),
            ("b/src/main.rs", "use a;\n//! Late.\n"),
            ("c/src/lib.rs", "//!\n"),
            ("c/src/other.rs", ""),
        ]);
        let roots = ["a/src/lib.rs", "b/src/main.rs", "c/src/lib.rs"]
            .map(Into::into)
            .to_vec();
        repository.packages.push(Package {
            roots,
            ..Package::default()
        });
        let found: Vec<String> = check(&repository)
            .into_iter()
            .map(|violation| violation.file)
            .collect();
        assert_eq!(found, ["b/src/main.rs", "c/src/lib.rs"]);
    }
}
