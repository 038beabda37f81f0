//! Where this program itself is, to start it again.

use std::{env, path::PathBuf};

use anyhow::{Context, Result};

/// What Linux puts behind the path of a program whose file was replaced.
const REPLACED: &str = " (deleted)";

/// The path of this program. A build of the whole workspace may have replaced the file meanwhile: then it is the new one,
/// which stands in the same place.
pub(crate) fn path() -> Result<PathBuf> {
    let path = env::current_exe().context("cannot find this program")?;
    Ok(in_its_place(path))
}

fn in_its_place(path: PathBuf) -> PathBuf {
    match path.to_str().and_then(|path| path.strip_suffix(REPLACED)) {
        Some(place) if !path.exists() => place.into(),
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_was_replaced_is_found_in_its_place() {
        let replaced = PathBuf::from("/nowhere/target/debug/xtask (deleted)");
        assert_eq!(
            in_its_place(replaced),
            PathBuf::from("/nowhere/target/debug/xtask")
        );
        let own = env::current_exe().unwrap();
        assert_eq!(path().unwrap(), own);
    }
}
