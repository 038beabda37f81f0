//! A record out of librdkafka's memory.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use chrono::DateTime;
use rdkafka::message::{BorrowedMessage, Headers, Message};
use taskwire_domain::{Partition, Position, Record, Timestamp};
use tracing::warn;

/// Copies a message once, all of it into one piece of memory that key, value and headers then share.
pub(crate) fn copy(message: &BorrowedMessage<'_>) -> Record {
    let headers = headers(message);
    let (key, value) = (message.key(), message.payload());
    let lengths = headers.iter().map(|(_, value)| value.map_or(0, <[u8]>::len));
    let length = key.map_or(0, <[u8]>::len) + value.map_or(0, <[u8]>::len) + lengths.sum::<usize>();
    let mut memory = Vec::with_capacity(length);
    for part in [key, value]
        .into_iter()
        .chain(headers.iter().map(|(_, value)| *value))
    {
        memory.extend_from_slice(part.unwrap_or_default());
    }
    let mut memory = Bytes::from(memory);
    let mut share = |part: Option<&[u8]>| part.map(|part| memory.split_to(part.len()));
    Record {
        position: Position {
            partition: Partition(message.partition()),
            offset: message.offset(),
        },
        key: share(key),
        value: share(value),
        headers: headers
            .into_iter()
            .map(|(name, value)| (name.to_owned(), share(value)))
            .collect(),
        time: message
            .timestamp()
            .to_millis()
            .and_then(DateTime::from_timestamp_millis)
            .map(Timestamp::from_utc),
    }
}

fn headers<'a>(message: &'a BorrowedMessage<'_>) -> Vec<(&'a str, Option<&'a [u8]>)> {
    let Some(headers) = message.headers() else {
        return Vec::new();
    };
    // The crate panics on a header name that is not UTF-8, and one foreign record must not stop the reader for ever.
    let read = || headers.iter().map(|header| (header.key, header.value)).collect();
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| {
        warn!(
            kafka.topic = message.topic(),
            kafka.partition = message.partition(),
            kafka.offset = message.offset(),
            "record has a header whose name is not utf-8, all its headers are passed over"
        );
        Vec::new()
    })
}
