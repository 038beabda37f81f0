//! A relative link in a document leads to a file that is there. Documents rot when files move, and the reader who needs
//! them most is the first to find out.

use std::path::{Component, Path, PathBuf};

use super::{Violation, repository::Repository};

/// Links in markdown files that lead nowhere.
pub(crate) fn check(repository: &Repository) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in repository.files.iter().filter(|file| file.has_extension("md")) {
        for (index, target) in relative_links(&file.text) {
            let place = resolve(&file.path, &target);
            if !place.as_ref().is_some_and(|place| repository.has(place)) {
                violations.push(Violation::at(
                    &file.path,
                    index,
                    format!("a link to {target}, which is not there"),
                ));
            }
        }
    }
    violations
}

/// The file parts of the relative links in the text, with the index of their line. Code is passed over.
fn relative_links(text: &str) -> Vec<(usize, String)> {
    let mut links = Vec::new();
    let mut in_code = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        } else if !in_code {
            links.extend(
                targets(&without_code(line))
                    .into_iter()
                    .map(|target| (index, target)),
            );
        }
    }
    links
}

/// Targets of `[text](target "title")` and of `[label]: target`.
fn targets(line: &str) -> Vec<String> {
    let inline = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let definition = line
        .trim_start()
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("]:"))
        .map(|(_, rest)| rest);
    let targets = inline
        .chain(definition)
        .filter_map(|target| target.split_whitespace().next());
    let files = targets.map(|target| {
        target
            .trim_matches(['<', '>'])
            .split('#')
            .next()
            .unwrap_or_default()
    });
    files
        .filter(|file| !file.is_empty() && !has_scheme(file))
        .map(str::to_owned)
        .collect()
}

fn has_scheme(target: &str) -> bool {
    target.starts_with("//")
        || target
            .split_once(':')
            .is_some_and(|(scheme, _)| scheme.chars().all(char::is_alphanumeric))
}

/// The line without what stands between backticks.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect()
}

/// Where the target lies in the repository; nothing if that is outside of it.
fn resolve(document: &str, target: &str) -> Option<PathBuf> {
    let start = if target.starts_with('/') {
        Path::new("")
    } else {
        Path::new(document).parent()?
    };
    let mut place = PathBuf::new();
    for part in start.join(target.trim_start_matches('/')).components() {
        match part {
            Component::ParentDir => place.pop().then_some(())?,
            Component::Normal(name) => place.push(name),
            _ => {}
        }
    }
    Some(place)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{relative_links, resolve};

    #[test]
    fn relative_links_are_found_and_all_else_is_passed_over() {
        let text = "[a](one.md) and ![b](img/two.png \"title\") and [c](#here) and [d](https://x.y/z.md)\n\
                    `[e](code.md)` but [f](three.md#part)\n```sh\n[g](fenced.md)\n```\n[label]: four.md\n[m](mailto:a@b.c)\n";
        let found = relative_links(text);
        let found: Vec<(usize, &str)> = found
            .iter()
            .map(|(line, target)| (*line, target.as_str()))
            .collect();
        assert_eq!(
            found,
            [(0, "one.md"), (0, "img/two.png"), (1, "three.md"), (5, "four.md")]
        );
    }

    #[test]
    fn a_target_is_found_from_where_its_document_is() {
        assert_eq!(
            resolve("docs/a.md", "../Cargo.toml"),
            Some(PathBuf::from("Cargo.toml"))
        );
        assert_eq!(resolve("docs/a.md", "./b.md"), Some(PathBuf::from("docs/b.md")));
        assert_eq!(
            resolve("docs/a.md", "/README.md"),
            Some(PathBuf::from("README.md"))
        );
        assert_eq!(resolve("a.md", "../outside.md"), None);
    }

    #[test]
    fn a_link_to_a_missing_file_is_refused() {
        let repository =
            super::super::repository::of_files(&[("docs/a.md", "fine\n[gone](gone-for-good.md)\n")]);
        let found = super::check(&repository);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].line, Some(2));
    }
}
