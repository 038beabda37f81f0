//! `target/stack/env`: the three addresses as a file that a shell can source.

use std::{fs, io::ErrorKind, path::Path};

use anyhow::{Context, Result};

use super::urls::Urls;

const FILE: &str = "env";

/// Writes the file, complete or not at all.
pub(crate) fn write(folder: &Path, urls: &Urls) -> Result<()> {
    let path = folder.join(FILE);
    let draft = folder.join("env.partial");
    fs::write(&draft, render(urls)).with_context(|| format!("cannot write {}", draft.display()))?;
    fs::rename(&draft, &path).with_context(|| format!("cannot write {}", path.display()))
}

/// Removes the file: no addresses are better than those of engines that are gone.
pub(crate) fn remove(folder: &Path) -> Result<()> {
    let path = folder.join(FILE);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

fn render(urls: &Urls) -> String {
    urls.variables()
        .map(|(name, value)| format!("{name}={}\n", quoted(value)))
        .concat()
}

/// A value as a POSIX shell reads it back; plain ones stay bare, so that other tools can read the file too.
fn quoted(value: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:,@%+=".contains(letter);
    if value.chars().all(plain) {
        value.to_owned()
    } else {
        format!("'{}'", value.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::{Urls, render};

    fn urls(database: &str) -> Urls {
        Urls {
            database: database.to_owned(),
            kafka: "127.0.0.1:2".to_owned(),
            elasticsearch: "http://127.0.0.1:3".to_owned(),
        }
    }

    #[test]
    fn the_file_is_three_plain_lines() {
        assert_eq!(
            render(&urls("postgres://taskwire@127.0.0.1:1/taskwire")),
            "DATABASE_URL=postgres://taskwire@127.0.0.1:1/taskwire\nKAFKA_BROKERS=127.0.0.1:2\n\
             ELASTICSEARCH_URL=http://127.0.0.1:3\n"
        );
    }

    #[test]
    fn a_shell_reads_back_an_awkward_value() {
        let awkward = "postgres://u:it's a $HOME&x@h/d";
        let script = format!("{}printf %s \"$DATABASE_URL\"", render(&urls(awkward)));
        let output = Command::new("sh").args(["-c", &script]).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), awkward);
    }
}
