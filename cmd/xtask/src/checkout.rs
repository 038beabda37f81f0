//! Where things are in this checkout.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
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
    pub(crate) fn fingerprint(&self) -> String {
        let mut hasher = DefaultHasher::new();
        self.root.hash(&mut hasher);
        format!("{:08x}", hasher.finish() & 0xffff_ffff)
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
        assert_eq!(one.fingerprint(), one.fingerprint());
        assert_eq!(one.fingerprint().len(), 8);
    }
}
