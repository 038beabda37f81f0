//! From a record to an operation, by the type that its JSON names.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use taskwire_domain::Record;

/// Why a record can never be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Poison {
    /// A stable kebab-case word: the dead letter's reason.
    pub reason: &'static str,
    /// A sentence for people.
    pub detail: String,
}

impl Poison {
    /// The reason of a record whose value is not the event it should be.
    pub const MALFORMED: &'static str = "malformed-event";
    /// The reason of an event whose type no handler is registered for.
    pub const UNKNOWN_TYPE: &'static str = "unknown-type";
    /// The reason of an operation that was refused when it was applied.
    pub const REJECTED: &'static str = "rejected-by-index";

    /// A record whose value is not the event it should be.
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self {
            reason: Self::MALFORMED,
            detail: detail.into(),
        }
    }
}

/// What to do about one type of event: a pure function from the event's `value` to an operation.
pub trait Handler {
    /// The `type` in the event's JSON.
    const KIND: &'static str;
    /// What the event becomes.
    type Operation;

    /// `value` is the JSON of the event's `value`, as it stands in the record: the bytes may be kept, they
    /// share the record's memory.
    ///
    /// # Errors
    /// When the value is not what an event of this type must hold.
    fn handle(value: Bytes) -> Result<Self::Operation, Poison>;
}

type Handle<O> = fn(Bytes) -> Result<O, Poison>;

/// Which handler understands which type of event.
pub struct HandlerMap<O> {
    handlers: BTreeMap<&'static str, Handle<O>>,
}

/// The envelope of every event. Unknown fields are passed over.
#[derive(Deserialize)]
struct Envelope<'a> {
    r#type: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    value: &'a RawValue,
}

impl<O> HandlerMap<O> {
    /// A map that understands nothing.
    pub fn new() -> Self {
        Self {
            handlers: BTreeMap::new(),
        }
    }

    /// The map with one more type of event understood; a later handler of a type replaces an earlier one.
    #[must_use]
    pub fn with<H: Handler<Operation = O>>(mut self) -> Self {
        self.handlers.insert(H::KIND, H::handle);
        self
    }

    /// The types of event that are understood.
    pub fn kinds(&self) -> impl Iterator<Item = &'static str> {
        self.handlers.keys().copied()
    }

    /// What a record becomes: an operation, or `None` when there is nothing to do (a record without a value).
    ///
    /// # Errors
    /// When no attempt can ever succeed.
    pub fn dispatch(&self, record: &Record) -> Result<Option<O>, Poison> {
        let Some(bytes) = &record.value else {
            return Ok(None);
        };
        let envelope: Envelope<'_> = serde_json::from_slice(bytes)
            .map_err(|error| Poison::malformed(format!("the record is not a JSON event: {error}")))?;
        let Some(handle) = self.handlers.get(&*envelope.r#type) else {
            let known: Vec<_> = self.kinds().collect();
            let kind = envelope.r#type.chars().take(100).collect::<String>();
            let detail = format!(
                "no handler for {kind:?}; this program understands {}",
                known.join(", ")
            );
            return Err(Poison {
                reason: Poison::UNKNOWN_TYPE,
                detail,
            });
        };
        handle(bytes.slice_ref(envelope.value.get().as_bytes())).map(Some)
    }
}

impl<O> Default for HandlerMap<O> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use taskwire_domain::{Partition, Position};

    use super::*;

    struct Echo;

    impl Handler for Echo {
        const KIND: &'static str = "Test.Echo";
        type Operation = Bytes;

        fn handle(value: Bytes) -> Result<Bytes, Poison> {
            Ok(value)
        }
    }

    fn dispatch(value: Option<&str>) -> Result<Option<Bytes>, Poison> {
        let value = value.map(|text| Bytes::copy_from_slice(text.as_bytes()));
        let position = Position {
            partition: Partition(0),
            offset: 0,
        };
        let record = Record {
            position,
            key: None,
            value,
            headers: Vec::new(),
            time: None,
        };
        HandlerMap::new().with::<Echo>().dispatch(&record)
    }

    #[test]
    fn the_handler_of_the_type_is_given_the_value_untouched() {
        let operation = dispatch(Some(r#"{"extra":1,"type":"Test.Echo","value":{"a":  [1, 2]}}"#));
        assert_eq!(
            operation.unwrap().unwrap(),
            Bytes::from_static(br#"{"a":  [1, 2]}"#)
        );
    }

    #[test]
    fn an_unknown_type_is_poison_that_names_what_is_known() {
        let poison = dispatch(Some(r#"{"type":"Test.Other","value":{}}"#)).unwrap_err();
        assert_eq!(poison.reason, "unknown-type");
        assert!(
            poison.detail.contains("Test.Other") && poison.detail.contains("Test.Echo"),
            "{}",
            poison.detail
        );
    }

    #[test]
    fn what_is_no_event_is_poison() {
        for text in [
            "",
            "not json",
            "[]",
            "{}",
            r#"{"type":"Test.Echo"}"#,
            r#"{"type":7,"value":{}}"#,
            "\u{0}",
        ] {
            assert_eq!(
                dispatch(Some(text)).unwrap_err().reason,
                "malformed-event",
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_record_without_value_is_nothing_to_do() {
        assert_eq!(dispatch(None), Ok(None));
    }
}
