use taskwire_domain::Watermarks;

use super::*;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
/// The days that tombstones are kept in these tests.
const KEEP: u32 = 7;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(millis).unwrap()
}

/// A moment at which a deletion of the time 0 is just old enough.
const NOW: i64 = 7 * DAY;

fn survey(now: i64, stage: PurgeStage) -> PurgeSurvey {
    PurgeSurvey {
        now: at(now),
        oldest_event: None,
        oldest_tombstone: Some(at(0)),
        tombstones: 1,
        stage,
        revision: 0,
    }
}

fn extent(partitions: &[(i64, i64)]) -> TopicExtent {
    let partitions = partitions.iter().map(|&(low, high)| Watermarks { low, high });
    TopicExtent {
        topic: "tasks".to_owned(),
        partitions: partitions.collect(),
    }
}

fn noted() -> NotedEnds {
    NotedEnds {
        topic: "tasks".to_owned(),
        ends: vec![10, 20],
    }
}

fn published() -> PurgeStage {
    PurgeStage::Published {
        recorded_before: at(0),
        since: at(NOW),
    }
}

fn readable() -> PurgeStage {
    PurgeStage::Readable {
        recorded_before: at(0),
        ends: noted(),
    }
}

fn unreadable() -> PurgeStage {
    PurgeStage::Unreadable {
        recorded_before: at(0),
        ends: noted(),
        since: at(NOW),
    }
}

fn decide(survey: &PurgeSurvey, partitions: &[(i64, i64)]) -> Step {
    let extent = extent(partitions);
    let observation = Observation {
        survey,
        extent: &extent,
    };
    step(observation, KEEP)
}

/// Everything readable, and nothing.
const ALL: &[(i64, i64)] = &[(0, 10), (0, 20)];
const NONE: &[(i64, i64)] = &[(10, 12), (25, 25)];

#[test]
fn a_round_begins_when_a_tombstone_is_old_enough_and_no_event_as_old_waits() {
    assert_eq!(
        decide(&survey(NOW, PurgeStage::Idle), ALL),
        Step::Enter(published())
    );
    assert_eq!(
        decide(&survey(NOW - 1, PurgeStage::Idle), ALL),
        Step::Wait,
        "too young"
    );
    let mut waiting = survey(NOW, PurgeStage::Idle);
    waiting.oldest_event = Some(at(0));
    assert_eq!(decide(&waiting, ALL), Step::Wait, "its own event may be that row");
    waiting.oldest_event = Some(at(1));
    assert_eq!(decide(&waiting, ALL), Step::Enter(published()));
    waiting.oldest_tombstone = None;
    assert_eq!(decide(&waiting, ALL), Step::Wait, "there is none");
}

#[test]
fn the_ends_are_noted_an_hour_later_and_not_a_moment_earlier() {
    assert_eq!(decide(&survey(NOW + HOUR - 1, published()), ALL), Step::Wait);
    assert_eq!(
        decide(&survey(NOW + HOUR, published()), ALL),
        Step::Enter(readable())
    );
}

#[test]
fn the_last_record_of_the_last_partition_keeps_the_round_waiting() {
    for partitions in [&[(9, 10), (20, 20)], &[(10, 10), (19, 20)], &[(0, 10), (0, 20)]] {
        assert_eq!(
            decide(&survey(NOW, readable()), partitions),
            Step::Wait,
            "{partitions:?}"
        );
    }
    assert_eq!(
        decide(&survey(NOW, readable()), &[(10, 10), (20, 20)]),
        Step::Enter(unreadable())
    );
}

#[test]
fn the_tombstones_go_a_day_later_and_not_a_moment_earlier() {
    assert_eq!(decide(&survey(NOW + DAY - 1, unreadable()), NONE), Step::Wait);
    let purge = Step::Purge {
        recorded_before: at(0),
    };
    assert_eq!(decide(&survey(NOW + DAY, unreadable()), NONE), purge);
}

#[test]
fn what_can_be_read_again_begins_the_day_anew() {
    let back = &[(10, 12), (19, 25)];
    assert_eq!(
        decide(&survey(NOW + DAY, unreadable()), back),
        Step::Enter(readable())
    );
}

#[test]
fn another_topic_than_the_one_whose_ends_were_noted_begins_the_round_anew() {
    let idle = Step::Enter(PurgeStage::Idle);
    for stage in [readable(), unreadable()] {
        let survey = survey(NOW + DAY, stage);
        for partitions in [
            &[(0, 0), (0, 0)][..],
            &[(10, 10), (0, 19)],
            &[(10, 10)],
            &[(10, 10), (20, 20), (0, 0)],
            &[],
        ] {
            assert_eq!(decide(&survey, partitions), idle, "{partitions:?}");
        }
        let renamed = TopicExtent {
            topic: "tasks2".to_owned(),
            ..extent(NONE)
        };
        let observation = Observation {
            survey: &survey,
            extent: &renamed,
        };
        assert_eq!(step(observation, KEEP), idle);
    }
}

#[test]
fn an_event_as_old_as_the_round_begins_it_anew() {
    for stage in [published(), readable(), unreadable()] {
        let mut survey = survey(NOW + DAY, stage);
        survey.oldest_event = Some(at(0));
        assert_eq!(decide(&survey, NONE), Step::Enter(PurgeStage::Idle));
    }
}

#[test]
fn a_clock_that_was_put_back_begins_the_round_anew() {
    for stage in [published(), readable(), unreadable()] {
        assert_eq!(
            decide(&survey(NOW - 1, stage), NONE),
            Step::Enter(PurgeStage::Idle)
        );
    }
    let late = PurgeStage::Unreadable {
        recorded_before: at(0),
        ends: noted(),
        since: at(NOW + 2 * DAY),
    };
    assert_eq!(
        decide(&survey(NOW + DAY, late), NONE),
        Step::Enter(PurgeStage::Idle)
    );
}

#[test]
fn an_empty_topic_has_nothing_to_wait_for_but_the_time() {
    let published = survey(NOW + HOUR, published());
    let Step::Enter(stage) = decide(&published, &[(0, 0), (0, 0)]) else {
        panic!("the ends are noted");
    };
    let entered = decide(&survey(NOW + HOUR, stage), &[(0, 0), (0, 0)]);
    assert!(
        matches!(entered, Step::Enter(PurgeStage::Unreadable { .. })),
        "{entered:?}"
    );
}
