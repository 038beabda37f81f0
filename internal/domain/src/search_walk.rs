//! Going through everything that a search finds, in a view of the index that stays as it was.

use crate::SearchPage;

/// Where a page of a walk ended: which view it was, and what it showed last, in the engine's own bytes. It is not secret, but
/// nobody else may have made it: an engine trusts what stands in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalkPosition(Vec<u8>);

impl WalkPosition {
    /// A position that these bytes tell.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// What tells it.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Which page of a walk is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WalkStep {
    /// The first, in a view of the index as searches see it now.
    Begin,
    /// The one behind this position.
    Continue(WalkPosition),
}

/// A page of a walk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WalkPage {
    /// What it shows. The total and the facets are those of the view.
    pub page: SearchPage,
    /// Where it ended; `None` when nothing is left to show.
    pub next: Option<WalkPosition>,
}

impl From<SearchPage> for WalkPage {
    /// A page on its own.
    fn from(page: SearchPage) -> Self {
        Self { page, next: None }
    }
}
