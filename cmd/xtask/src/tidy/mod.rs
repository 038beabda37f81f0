//! The repository's own rules. Each has a file of its own that says why it exists; a rule that only a reviewer
//! remembers is no rule.

mod clients;
mod crate_docs;
mod edges;
mod embedded;
mod ignored;
mod length;
mod links;
mod manifests;
mod names;
mod repository;
mod whitespace;

use anyhow::{Result, bail};

use self::repository::Repository;
use crate::checkout::Checkout;

/// Something that is against a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Violation {
    /// Relative to the checkout.
    file: String,
    /// Counted from 1; absent where the whole file is meant.
    line: Option<usize>,
    reason: String,
}

impl Violation {
    fn in_file(file: &str, reason: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line: None,
            reason: reason.into(),
        }
    }

    /// `index` counts from 0, as `enumerate` does.
    fn at(file: &str, index: usize, reason: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line: Some(index + 1),
            reason: reason.into(),
        }
    }
}

/// Checks everything and prints every violation, not only the first.
pub(crate) fn run(checkout: &Checkout) -> Result<()> {
    let repository = Repository::read(checkout.root())?;
    let rules: [fn(&Repository) -> Vec<Violation>; 10] = [
        clients::check,
        crate_docs::check,
        edges::check,
        embedded::check,
        ignored::check,
        length::check,
        links::check,
        manifests::check,
        names::check,
        whitespace::check,
    ];
    let mut violations: Vec<Violation> = rules.iter().flat_map(|rule| rule(&repository)).collect();
    violations.sort();
    for Violation { file, line, reason } in &violations {
        match line {
            Some(line) => println!("{file}:{line}: {reason}"),
            None => println!("{file}: {reason}"),
        }
    }
    match violations.len() {
        0 => {
            println!(
                "tidy: {} rules, {} files, nothing to say",
                rules.len(),
                repository.files.len()
            );
            Ok(())
        }
        1 => bail!("1 violation of the repository's rules"),
        count => bail!("{count} violations of the repository's rules"),
    }
}
