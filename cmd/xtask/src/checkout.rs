//! Where things are in this checkout.

use std::{
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

/// The folder this repository is checked out in.
pub(crate) struct Checkout {
    root: PathBuf,
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
        Ok(Self { root })
    }

    /// The folder that holds the workspace's `Cargo.toml`.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Where the stack keeps what belongs to this checkout alone.
    pub(crate) fn stack_folder(&self) -> PathBuf {
        self.root.join("target/stack")
    }

    /// A short word that differs between checkouts, for names that are shared by the whole machine.
    ///
    /// FNV-1a, because the standard library's hash may change with any release of Rust, and what was started under one
    /// name has to be found again.
    pub(crate) fn fingerprint(&self) -> String {
        let path = self.root.as_os_str().as_bytes();
        let hash = path.iter().fold(0x811c_9dc5_u32, |hash, byte| {
            (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
        });
        format!("{hash:08x}")
    }
}

#[cfg(test)]
mod tests {
    use super::Checkout;

    #[test]
    fn two_checkouts_have_two_fingerprints() {
        let one = Checkout {
            root: "/home/a/one".into(),
        };
        let two = Checkout {
            root: "/home/a/two".into(),
        };
        assert_ne!(one.fingerprint(), two.fingerprint());
    }

    #[test]
    fn a_fingerprint_is_the_same_under_every_release_of_rust() {
        // A published test vector of 32-bit FNV-1a.
        let checkout = Checkout {
            root: "foobar".into(),
        };
        assert_eq!(checkout.fingerprint(), "bf9cf968");
    }
}
