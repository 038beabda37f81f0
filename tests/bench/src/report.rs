//! Figures as a document: printed, and kept below the target folder.

use std::fmt::{Display, Write};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

/// The folder for reports and for the data of benchmarks, on the disk that is built on: below the target folder this
/// program was built into. It is made if it is not there.
///
/// # Errors
/// When it cannot be made.
pub fn folder() -> Result<PathBuf> {
    let program = std::env::current_exe().context("a program knows its own path")?;
    // target/release/deps/<program>
    let target = program
        .ancestors()
        .nth(3)
        .context("run this as `cargo xtask bench`")?;
    let folder = target.join("bench");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}

/// A Markdown document that grows; whatever is added is printed at once.
#[derive(Debug, Default)]
pub struct Report {
    text: String,
}

impl Report {
    /// An empty one under this heading.
    pub fn new(title: &str) -> Self {
        let mut report = Self::default();
        report.add(&format!("# {title}\n"));
        report
    }

    /// A section's heading.
    pub fn section(&mut self, title: &str) {
        self.add(&format!("\n## {title}\n"));
    }

    /// A paragraph.
    pub fn paragraph(&mut self, text: impl Display) {
        self.add(&format!("\n{text}\n"));
    }

    /// A table, whose first column says what the row is about; the others are numbers.
    pub fn table<const COLUMNS: usize>(&mut self, heads: [&str; COLUMNS], rows: &[[String; COLUMNS]]) {
        let mut text = format!(
            "\n| {} |\n|---|{}\n",
            heads.join(" | "),
            "--:|".repeat(COLUMNS - 1)
        );
        for row in rows {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "| {} |", row.join(" | "));
        }
        self.add(&text);
    }

    /// Keeps it in a file.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        fs::write(path, &self.text).with_context(|| format!("cannot write {}", path.display()))
    }

    #[allow(clippy::print_stdout, reason = "a benchmark answers on its terminal")]
    fn add(&mut self, text: &str) {
        print!("{text}");
        self.text.push_str(text);
    }
}

/// In milliseconds.
pub fn milliseconds(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1_000.0)
}

/// In megabytes of a million bytes.
pub fn megabytes(bytes: u64) -> String {
    format!("{:.0}", bytes as f64 / 1e6)
}

/// A number without its fraction, in groups of three digits.
pub fn whole(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_markdown() {
        let mut report = Report::new("T");
        report.table(["what", "how much"], &[["a".to_owned(), "1".to_owned()]]);
        assert_eq!(report.text, "# T\n\n| what | how much |\n|---|--:|\n| a | 1 |\n");
    }

    #[test]
    fn digits_are_grouped_from_the_right() {
        assert_eq!(
            [whole(7.4), whole(123.0), whole(1234.6), whole(1_234_567.0)],
            ["7", "123", "1,235", "1,234,567"]
        );
    }
}
