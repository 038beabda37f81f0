//! When a round goes on: a function of what was observed, without clock and I/O.
//!
//! A round is about the deletions that were recorded up to one moment, `recorded_before`. Deletion and event are
//! written by one transaction under one clock, the database's, so when no outbox row is that old, every event of
//! theirs has been published. The stages:
//!
//! 1. [`PurgeStage::Published`]: none waits in the outbox. A relay that lost its lead may still be sending what it had
//!    read, so the ends of the partitions are noted only after [`SETTLED`].
//! 2. [`PurgeStage::Readable`]: the ends are noted; all those events stand before them.
//! 3. [`PurgeStage::Unreadable`]: every partition begins at or behind its noted end. A consumer may still hold what it
//!    had read, so the tombstones go only after [`QUIET`].
//!
//! What was observed has to hold still: when a partition ends before its noted end, when there are more or fewer of
//! them, or another topic, then this is not the topic whose ends were noted, and the round begins anew; and so it does
//! when the clock was put back.

use std::time::Duration;

use taskwire_domain::{NotedEnds, PurgeStage, PurgeSurvey, Timestamp, TopicExtent};

/// For how long nothing may have waited in the outbox before the ends are noted.
pub const SETTLED: Duration = Duration::from_secs(3_600);

/// How long after the last event became unreadable the tombstones stay.
pub const QUIET: Duration = Duration::from_secs(24 * 3_600);

/// What is known at one moment. The topic has to be asked **after** the database: an event that was published by the time
/// of the survey then stands before the ends that are noted.
#[derive(Debug, Clone, Copy)]
pub struct Observation<'a> {
    /// The database's side.
    pub survey: &'a PurgeSurvey,
    /// The topic's side.
    pub extent: &'a TopicExtent,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Nothing yet.
    Wait,
    /// Save that the round is at this stage now.
    Enter(PurgeStage),
    /// Take away the tombstones that were recorded by then, after which the round is over.
    Purge {
        /// By when.
        recorded_before: Timestamp,
    },
}

/// Decides. `keep_days` is how long a tombstone is kept at least.
pub fn step(observation: Observation<'_>, keep_days: u32) -> Step {
    let Observation { survey, extent } = observation;
    let newest = survey.now.plus_days(-i64::from(keep_days.max(1)));
    let Some(recorded_before) = recorded_before(&survey.stage) else {
        return begin(survey, newest);
    };
    // The clock that dates deletions stands before the moment at which the round began: it was put back, and there may
    // be deletions of now that look as old as those of the round.
    if recorded_before > newest || since(&survey.stage).is_some_and(|since| since > survey.now) {
        return Step::Enter(PurgeStage::Idle);
    }
    if !all_published(survey, recorded_before) {
        return Step::Enter(PurgeStage::Idle);
    }
    match &survey.stage {
        PurgeStage::Idle => begin(survey, newest),
        PurgeStage::Published { since, .. } if elapsed(*since, survey.now) < SETTLED => Step::Wait,
        PurgeStage::Published { .. } => Step::Enter(PurgeStage::Readable {
            recorded_before,
            ends: ends(extent),
        }),
        PurgeStage::Readable { ends, .. } => match compare(ends, extent) {
            Compared::OtherTopic => Step::Enter(PurgeStage::Idle),
            Compared::Readable => Step::Wait,
            Compared::Unreadable => Step::Enter(PurgeStage::Unreadable {
                recorded_before,
                ends: ends.clone(),
                since: survey.now,
            }),
        },
        PurgeStage::Unreadable { ends, since, .. } => match compare(ends, extent) {
            Compared::OtherTopic => Step::Enter(PurgeStage::Idle),
            // A replica that had deleted less leads now.
            Compared::Readable => Step::Enter(PurgeStage::Readable {
                recorded_before,
                ends: ends.clone(),
            }),
            Compared::Unreadable if elapsed(*since, survey.now) < QUIET => Step::Wait,
            Compared::Unreadable => Step::Purge { recorded_before },
        },
    }
}

fn begin(survey: &PurgeSurvey, recorded_before: Timestamp) -> Step {
    let has_some = survey
        .oldest_tombstone
        .is_some_and(|oldest| oldest <= recorded_before);
    if has_some && all_published(survey, recorded_before) {
        return Step::Enter(PurgeStage::Published {
            recorded_before,
            since: survey.now,
        });
    }
    Step::Wait
}

fn all_published(survey: &PurgeSurvey, recorded_before: Timestamp) -> bool {
    survey.oldest_event.is_none_or(|oldest| oldest > recorded_before)
}

fn recorded_before(stage: &PurgeStage) -> Option<Timestamp> {
    match stage {
        PurgeStage::Idle => None,
        PurgeStage::Published { recorded_before, .. }
        | PurgeStage::Readable { recorded_before, .. }
        | PurgeStage::Unreadable { recorded_before, .. } => Some(*recorded_before),
    }
}

fn since(stage: &PurgeStage) -> Option<Timestamp> {
    match stage {
        PurgeStage::Published { since, .. } | PurgeStage::Unreadable { since, .. } => Some(*since),
        PurgeStage::Idle | PurgeStage::Readable { .. } => None,
    }
}

fn ends(extent: &TopicExtent) -> NotedEnds {
    NotedEnds {
        topic: extent.topic.clone(),
        ends: extent.partitions.iter().map(|partition| partition.high).collect(),
    }
}

enum Compared {
    OtherTopic,
    Readable,
    Unreadable,
}

fn compare(noted: &NotedEnds, extent: &TopicExtent) -> Compared {
    let pairs = || noted.ends.iter().zip(&extent.partitions);
    let is_other = noted.topic != extent.topic
        || noted.ends.is_empty()
        || noted.ends.len() != extent.partitions.len()
        || pairs().any(|(end, partition)| partition.high < *end);
    if is_other {
        Compared::OtherTopic
    } else if pairs().all(|(end, partition)| partition.low >= *end) {
        Compared::Unreadable
    } else {
        Compared::Readable
    }
}

fn elapsed(since: Timestamp, now: Timestamp) -> Duration {
    let millis = now.unix_millis().saturating_sub(since.unix_millis());
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}

#[cfg(test)]
mod tests;
