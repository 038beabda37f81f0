//! Automatic storing of offsets.

use std::collections::BTreeMap;

use async_trait::async_trait;
use taskwire_domain::{EventSource, Position, SourceEvent, SourceFault};

/// Stores the offset of whatever it hands out, as a consumer with automatic storing does.
pub(crate) struct AutomaticStore(pub(crate) Box<dyn EventSource>);

#[async_trait]
impl EventSource for AutomaticStore {
    fn topic(&self) -> &str {
        self.0.topic()
    }

    async fn next(&mut self) -> SourceEvent {
        let event = self.0.next().await;
        if let SourceEvent::Records(records) = &event {
            // Of each partition the last.
            let next: BTreeMap<_, _> = records
                .iter()
                .map(|record| (record.position.partition, record.position.offset + 1))
                .collect();
            let positions: Vec<_> = next
                .into_iter()
                .map(|(partition, offset)| Position { partition, offset })
                .collect();
            if let Err(fault) = self.0.store(&positions) {
                return SourceEvent::Failed(fault);
            }
        }
        event
    }

    /// It is stored already, and further.
    fn store(&mut self, _: &[Position]) -> Result<(), SourceFault> {
        Ok(())
    }

    fn pause(&mut self) -> Result<(), SourceFault> {
        self.0.pause()
    }

    fn resume(&mut self) -> Result<(), SourceFault> {
        self.0.resume()
    }

    async fn close(self: Box<Self>) -> Result<(), SourceFault> {
        self.0.close().await
    }
}
