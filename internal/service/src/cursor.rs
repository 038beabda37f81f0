//! What leads from one page of a list to the next: opaque to callers, and only ours are accepted.

use taskwire_domain::{
    Error, ExternalId, ListFilter, ListKey, ListOrder, ListPosition, ListRank, Location, Priority, TaskId,
    Timestamp, Violation,
};
use uuid::Uuid;

use crate::signature::{HASH_LENGTH, Signer, hash_of};

/// Of the layout below. A cursor of another version is refused, so a change of the layout raises it.
const VERSION: u8 = 1;

/// Keeps signatures of lists apart from whatever else is signed with the same key.
const PURPOSE: &[u8] = b"taskwire list cursor\0";

const NO_TIME: u8 = 0;
const TIME: u8 = 1;
const PRIORITY: u8 = 2;

/// Makes cursors and reads them back. As bytes, before they are text, they are: version (1), order (1), hash of the
/// filter (8), rank (a tag, then nothing, 8 bytes of Unix milliseconds or 2 of priority), task id (16), signature (16).
pub(crate) struct CursorSigner {
    signer: Signer,
}

impl CursorSigner {
    /// Signs with the database's own key.
    pub(crate) fn new(key: [u8; 32]) -> Self {
        let signer = Signer::new(key, PURPOSE);
        Self { signer }
    }

    /// The cursor that leads on from `position` in the list of this order and filter.
    pub(crate) fn sign(&self, order: ListOrder, filter: &ListFilter, position: &ListPosition) -> String {
        let mut bytes = head(order, filter);
        encode_position(position, &mut bytes);
        self.signer.sign(bytes)
    }

    /// Where the cursor leads on from.
    ///
    /// # Errors
    /// [`Error::Invalid`] at the parameter `cursor` when it is not one of ours, or of another order or filter.
    pub(crate) fn verify(
        &self,
        order: ListOrder,
        filter: &ListFilter,
        cursor: &str,
    ) -> Result<ListPosition, Error> {
        let signed = self.signer.verify(cursor).ok_or_else(not_ours)?;
        let head = head(order, filter);
        if signed.first() != head.first() {
            return Err(not_ours());
        }
        let position = signed.strip_prefix(&head[..]).ok_or_else(of_another_list)?;
        decode_position(position, order.key).ok_or_else(not_ours)
    }
}

fn not_ours() -> Error {
    refused("must be the nextCursor of an earlier page, unchanged; leave it out to begin anew")
}

fn of_another_list() -> Error {
    refused(
        "belongs to a list with another sort or other filters: repeat those with it, or leave it out to begin anew",
    )
}

fn refused(detail: &str) -> Error {
    let violation = Violation::new("invalid-cursor", detail);
    Error::invalid(Location::Parameter("cursor".to_owned()), violation)
}

/// What a cursor has in common with all others of the same list.
fn head(order: ListOrder, filter: &ListFilter) -> Vec<u8> {
    let key = match order.key {
        ListKey::CreatedAt => 0,
        ListKey::UpdatedAt => 2,
        ListKey::Due => 4,
        ListKey::Priority => 6,
    };
    let mut bytes = vec![VERSION, key + u8::from(order.descending)];
    bytes.extend(hash(filter));
    bytes
}

fn hash(filter: &ListFilter) -> [u8; HASH_LENGTH] {
    // Taken apart in whole, so that a new condition cannot be forgotten here.
    let ListFilter {
        is_done,
        priority,
        category,
        parent_id,
        external_id,
        due_before,
        due_after,
    } = filter;
    let millis = |time: Timestamp| time.unix_millis().to_be_bytes().to_vec();
    let conditions = [
        is_done.map(|done| vec![u8::from(done)]),
        priority.map(|priority| priority.as_str().as_bytes().to_vec()),
        category.as_ref().map(|category| category.as_bytes().to_vec()),
        parent_id.map(|id| id.as_uuid().as_bytes().to_vec()),
        external_id
            .as_ref()
            .map(ExternalId::as_str)
            .map(|text| text.as_bytes().to_vec()),
        due_before.map(millis),
        due_after.map(millis),
    ];
    hash_of(conditions)
}

fn encode_position(position: &ListPosition, bytes: &mut Vec<u8>) {
    match position.rank {
        ListRank::Time(None) => bytes.push(NO_TIME),
        ListRank::Time(Some(time)) => {
            bytes.push(TIME);
            bytes.extend(time.unix_millis().to_be_bytes());
        }
        ListRank::Priority(priority) => {
            bytes.push(PRIORITY);
            bytes.extend(priority.rank().to_be_bytes());
        }
    }
    bytes.extend(position.id.as_uuid().as_bytes());
}

fn decode_position(bytes: &[u8], key: ListKey) -> Option<ListPosition> {
    let (rank, id) = bytes.split_last_chunk::<16>()?;
    let (tag, rank) = rank.split_first()?;
    let rank = match (*tag, key) {
        (NO_TIME, ListKey::Due) if rank.is_empty() => ListRank::Time(None),
        (TIME, ListKey::CreatedAt | ListKey::UpdatedAt | ListKey::Due) => {
            let millis = i64::from_be_bytes(rank.try_into().ok()?);
            ListRank::Time(Some(Timestamp::from_unix_millis(millis)?))
        }
        (PRIORITY, ListKey::Priority) => {
            let rank = i16::from_be_bytes(rank.try_into().ok()?);
            ListRank::Priority(Priority::from_rank(rank)?)
        }
        _ => return None,
    };
    let id = TaskId::from_uuid(Uuid::from_bytes(*id));
    Some(ListPosition { rank, id })
}

#[cfg(test)]
mod tests;
