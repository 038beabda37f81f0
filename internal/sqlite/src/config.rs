//! Settings of the database. Where it is, its binary says.

/// The database of tasks.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "SQLite")]
pub struct SqliteSettings {
    /// Most writes that wait for the disk; one more is answered 503
    #[arg(id = "sqlite_write_queue", long = "sqlite-write-queue", env = "SQLITE_WRITE_QUEUE", default_value_t = 1_024, value_parser = queue_length, value_name = "WRITES")]
    pub write_queue: usize,

    /// Most reads at a time; the others wait
    #[arg(id = "sqlite_readers", long = "sqlite-readers", env = "SQLITE_READERS", default_value_t = 4, value_parser = readers, value_name = "READS")]
    pub readers: usize,
}

fn queue_length(text: &str) -> Result<usize, String> {
    within(text, 1..=65_536)
}

fn readers(text: &str) -> Result<usize, String> {
    within(text, 1..=64)
}

fn within(text: &str, range: std::ops::RangeInclusive<usize>) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| format!("must be a number from {} to {}", range.start(), range.end()))
}

impl Default for SqliteSettings {
    fn default() -> Self {
        Self {
            write_queue: 1_024,
            readers: 4,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[derive(Debug, Parser)]
    struct Program {
        #[command(flatten)]
        sqlite: SqliteSettings,
    }

    #[test]
    fn the_arguments_are_sound_and_have_the_defaults_of_the_struct() {
        Program::command().debug_assert();
        let parsed = Program::try_parse_from(["program"]).unwrap().sqlite;
        let default = SqliteSettings::default();
        assert_eq!(
            (parsed.write_queue, parsed.readers),
            (default.write_queue, default.readers)
        );
    }

    #[test]
    fn a_number_out_of_range_is_refused_by_the_settings_name() {
        for wrong in [
            "--sqlite-write-queue=0",
            "--sqlite-readers=65",
            "--sqlite-readers=many",
        ] {
            let error = Program::try_parse_from(["program", wrong]).unwrap_err();
            let message = error.to_string();
            assert!(message.contains("must be a number from 1 to"), "{message}");
        }
    }
}
