//! Where things are in this checkout.

use std::{
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

/// Names the folder of the stack that a command means, below the checkout's root, when it is not the usual one.
pub(crate) const STACK_FOLDER: &str = "TASKWIRE_STACK_FOLDER";
/// Where the stack is that the developer and the tests use.
const USUAL_STACK: &str = "target/stack";

/// The folder this repository is checked out in, and which of its stacks is meant.
pub(crate) struct Checkout {
    root: PathBuf,
    stack: String,
}

impl Checkout {
    /// Finds the workspace this tool was started from.
    ///
    /// `cargo run` says at run time where the package is; the path known at build time would be wrong in a checkout
    /// that was moved or that shares its target folder with another.
    pub(crate) fn locate() -> Result<Self> {
        let package = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = package.ancestors().nth(2).unwrap_or(&package);
        let root = root.canonicalize().with_context(|| {
            format!(
                "cannot find the checkout at {}: run this as `cargo xtask`",
                root.display()
            )
        })?;
        let stack = std::env::var(STACK_FOLDER).unwrap_or_else(|_| USUAL_STACK.to_owned());
        Ok(Self { root, stack })
    }

    /// The same checkout with another stack, of its own ports and data.
    pub(crate) fn with_stack(&self, folder: &str) -> Self {
        Self {
            root: self.root.clone(),
            stack: folder.to_owned(),
        }
    }

    /// The same checkout with the stack that the developer and the tests use.
    pub(crate) fn with_usual_stack(&self) -> Self {
        self.with_stack(USUAL_STACK)
    }

    /// The folder of the stack that is meant, below the root.
    pub(crate) fn stack_name(&self) -> &str {
        &self.stack
    }

    /// The folder that holds the workspace's `Cargo.toml`.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Where the stack keeps what belongs to it alone.
    pub(crate) fn stack_folder(&self) -> PathBuf {
        self.root.join(&self.stack)
    }

    /// A short word that differs between checkouts, and between the stacks of one, for names that are shared by the
    /// whole machine.
    ///
    /// FNV-1a, because the standard library's hash may change with any release of Rust, and what was started under one
    /// name has to be found again.
    pub(crate) fn fingerprint(&self) -> String {
        let root = self.root.as_os_str().as_bytes();
        let other_stack = self.stack.bytes().filter(|_| self.stack != USUAL_STACK);
        let hash = root
            .iter()
            .copied()
            .chain(other_stack)
            .fold(0x811c_9dc5_u32, |hash, byte| {
                (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
            });
        format!("{hash:08x}")
    }
}

#[cfg(test)]
mod tests {
    use super::{Checkout, USUAL_STACK};

    fn checkout(root: &str) -> Checkout {
        Checkout {
            root: root.into(),
            stack: USUAL_STACK.to_owned(),
        }
    }

    #[test]
    fn two_checkouts_have_two_fingerprints_and_so_have_two_stacks() {
        let one = checkout("/home/a/one");
        assert_ne!(one.fingerprint(), checkout("/home/a/two").fingerprint());
        let other = one.with_stack("target/other");
        assert_ne!(one.fingerprint(), other.fingerprint());
        assert_eq!(one.fingerprint(), other.with_usual_stack().fingerprint());
    }

    #[test]
    fn a_fingerprint_is_the_same_under_every_release_of_rust() {
        // A published test vector of 32-bit FNV-1a.
        assert_eq!(checkout("foobar").fingerprint(), "bf9cf968");
    }
}
