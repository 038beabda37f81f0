//! What leads from one page of a walk through a search to the next: opaque to callers, and only ours are accepted.

use taskwire_domain::{
    Categories, Error, ExternalId, ListKey, ListOrder, Location, SearchFilter, SearchOrder, SearchQuery,
    SearchText, TimeRange, Timestamp, Violation, WalkPosition, WalkStep,
};

use crate::signature::{HASH_LENGTH, Signer, hash_of};

/// Of the layout below. A cursor of another version is refused, so a change of the layout or of the ranking
/// raises it: places are scores, too.
const VERSION: u8 = 1;

/// Keeps signatures of searches apart from whatever else is signed with the same key.
const PURPOSE: &[u8] = b"taskwire search cursor\0";

/// A cursor as a caller sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentCursor {
    /// [`BEGINNING`](Self::BEGINNING), or what an earlier page said comes next.
    pub text: String,
    /// Where in the request it stood.
    pub location: Location,
}

impl SentCursor {
    /// Begins a walk.
    pub const BEGINNING: &str = "*";
}

/// Makes cursors and reads them back. As bytes, before they are signed and made text, they are: version (1), hash of the
/// query (8), the engine's position.
pub(crate) struct SearchCursors {
    signer: Signer,
}

impl SearchCursors {
    /// Signs with the database's own key.
    pub(crate) fn new(key: [u8; 32]) -> Self {
        let signer = Signer::new(key, PURPOSE);
        Self { signer }
    }

    /// The cursor that leads on from `position` in the walk through this search.
    pub(crate) fn sign(&self, query: &SearchQuery, position: &WalkPosition) -> String {
        self.signer.sign([&head(query)[..], position.as_bytes()].concat())
    }

    /// Which page the cursor asks for.
    ///
    /// # Errors
    /// [`Error::Invalid`] where the cursor stood when it is not one of ours, or of another search.
    pub(crate) fn step(&self, query: &SearchQuery, cursor: &SentCursor) -> Result<WalkStep, Error> {
        if cursor.text == SentCursor::BEGINNING {
            return Ok(WalkStep::Begin);
        }
        let refused = |detail: &str| {
            let violation = Violation::new("invalid-cursor", detail);
            Error::invalid(cursor.location.clone(), violation)
        };
        let not_ours = || {
            refused(
                "must be * to begin, or the nextCursor of an earlier page, unchanged; leave it out to search by from",
            )
        };
        let signed = self.signer.verify(&cursor.text).ok_or_else(not_ours)?;
        let head = head(query);
        if signed.first() != head.first() {
            return Err(not_ours());
        }
        let position = signed.strip_prefix(&head[..]).ok_or_else(|| {
            refused("belongs to another search: repeat its words, conditions and sort with it, or begin anew with *")
        })?;
        Ok(WalkStep::Continue(WalkPosition::from_bytes(position.to_vec())))
    }
}

/// What a cursor has in common with all others of the same search. The size of a page, facets and highlights may differ.
fn head(query: &SearchQuery) -> [u8; 1 + HASH_LENGTH] {
    // Taken apart in whole, so that a new condition cannot be forgotten here.
    let SearchQuery {
        text,
        filter,
        order,
        window: _,
        facets: _,
    } = query;
    let SearchFilter {
        is_done,
        priority,
        categories,
        parent_id,
        external_id,
        due,
        start,
        created,
    } = filter;
    let conditions = [
        text.as_ref()
            .map(|text| SearchText::typed(text).as_bytes().to_vec()),
        is_done.map(|done| vec![u8::from(done)]),
        priority.map(|priority| priority.as_str().as_bytes().to_vec()),
        categories.as_ref().map(names),
        parent_id.map(|id| id.as_uuid().as_bytes().to_vec()),
        external_id
            .as_ref()
            .map(ExternalId::as_str)
            .map(|text| text.as_bytes().to_vec()),
        Some(vec![order_tag(*order)]),
    ];
    let times = [due, start, created].into_iter().flat_map(ends);
    let mut head = [VERSION; 1 + HASH_LENGTH];
    head[1..].copy_from_slice(&hash_of(conditions.into_iter().chain(times)));
    head
}

/// The names, in their order, as a hash: no name can be told from the end of the one before it by its bytes.
fn names(categories: &Categories) -> Vec<u8> {
    let names = categories.as_slice().iter();
    hash_of(names.map(|name| Some(name.as_bytes().to_vec()))).to_vec()
}

fn ends(range: &TimeRange) -> [Option<Vec<u8>>; 2] {
    let millis = |time: Timestamp| time.unix_millis().to_be_bytes().to_vec();
    [range.after.map(millis), range.before.map(millis)]
}

fn order_tag(order: SearchOrder) -> u8 {
    let SearchOrder::By(ListOrder { key, descending }) = order else {
        return u8::MAX;
    };
    let key = match key {
        ListKey::CreatedAt => 0,
        ListKey::UpdatedAt => 2,
        ListKey::Due => 4,
        ListKey::Priority => 6,
    };
    key + u8::from(descending)
}

#[cfg(test)]
mod tests;
