//! When too much is poison to be parked: one bad deployment must not empty the topic into the dead-letter queue.

use taskwire_domain::DeadLetter;

/// A batch of which nothing at all can be applied is suspicious from this many records on.
const WHOLE_BATCH: usize = 10;

/// How much has been parked, and whether more may be.
#[derive(Debug)]
pub(crate) struct Restraint {
    /// Most records to be parked in a minute; 0 for any number.
    limit: usize,
    /// Parked since the minute began.
    parked: usize,
    /// Whether a minute is running: it begins with the first letter.
    minute_runs: bool,
    /// Whether the records behind the first poison of this run have been looked at.
    looked_ahead: bool,
}

impl Restraint {
    pub(crate) fn new(limit: u32) -> Self {
        Self {
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
            parked: 0,
            minute_runs: false,
            looked_ahead: false,
        }
    }

    /// True once: before the first letter of a run, what comes behind the poison has to be seen. Else every restart
    /// of a consumer that has halted would park a little of the same flood.
    pub(crate) fn has_to_look_ahead(&mut self) -> bool {
        self.limit > 0 && !std::mem::replace(&mut self.looked_ahead, true)
    }

    /// Why these letters, all that is poison in a batch of so many records, must not be parked; `None` if they may.
    pub(crate) fn objection(&self, letters: &[DeadLetter], batch: usize) -> Option<String> {
        let (first, count) = (letters.first()?, letters.len());
        let (limit, parked) = (self.limit, self.parked);
        let suspicion = if limit == 0 {
            return None;
        } else if count >= WHOLE_BATCH && count >= batch {
            format!("not one of {count} records of a batch can be applied")
        } else if parked + count > limit {
            format!(
                "{count} records cannot be applied, and {parked} were parked within a minute: more than PARK_LIMIT={limit}"
            )
        } else {
            return None;
        };
        let at = first.record.position;
        Some(format!(
            "{suspicion}; the first is offset {} of partition {}, {}: {}; none of them was parked or acknowledged. If a deployment \
             is to blame (a daemon older than its service, a changed index, a foreign producer), undo it and restart; if they \
             are to be given up, restart once with PARK_LIMIT=0, which parks any number",
            at.offset, at.partition, first.reason, first.detail
        ))
    }

    /// So many were parked; true if a minute begins with them.
    pub(crate) fn parked(&mut self, count: usize) -> bool {
        self.parked += count;
        self.limit > 0 && !std::mem::replace(&mut self.minute_runs, true)
    }

    /// The minute is over.
    pub(crate) fn minute_over(&mut self) {
        self.parked = 0;
        self.minute_runs = false;
    }
}
