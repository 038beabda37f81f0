use bytes::Bytes;

use super::*;

const P: Partition = Partition(0);
const Q: Partition = Partition(1);

fn settings() -> DispatchSettings {
    DispatchSettings {
        batch_records: 3,
        read_ahead_bytes: 65_536,
        park_limit: 0,
    }
}

fn at(partition: Partition, offset: i64) -> Position {
    Position { partition, offset }
}

fn record(position: Position) -> Record {
    Record {
        position,
        key: None,
        value: Some(Bytes::from_static(b"{}")),
        headers: Vec::new(),
        time: None,
    }
}

/// A record whose operation is its own position.
fn sound(partition: Partition, offset: i64) -> Dispatched<Position> {
    (record(at(partition, offset)), Ok(Some(at(partition, offset))))
}

fn poisoned(partition: Partition, offset: i64) -> Dispatched<Position> {
    (record(at(partition, offset)), Err(Poison::malformed("broken")))
}

fn consumer(partitions: &[Partition]) -> Consumer<Position> {
    let mut consumer = Consumer::new(settings());
    assert_eq!(consumer.step(Input::Assigned(partitions.to_vec())), []);
    consumer
}

fn retry() -> ItemOutcome {
    ItemOutcome::Retry {
        detail: "busy".into(),
    }
}

fn rejected() -> ItemOutcome {
    ItemOutcome::Rejected {
        detail: "mapping".into(),
    }
}

fn letters(actions: &[Action<Position>]) -> Vec<(i64, &'static str)> {
    let parked = actions.iter().find_map(|action| match action {
        Action::Park(letters) => Some(letters),
        _ => None,
    });
    parked
        .expect("something is parked")
        .iter()
        .map(|letter| (letter.record.position.offset, letter.reason))
        .collect()
}

#[test]
fn a_batch_is_applied_then_stored() {
    let mut consumer = consumer(&[P]);
    let actions = consumer.step(Input::Read(vec![sound(P, 0), sound(P, 1)]));
    assert_eq!(
        actions,
        [
            Action::Store(vec![at(P, 0)]),
            Action::Apply(vec![at(P, 0), at(P, 1)])
        ]
    );
    let actions = consumer.step(Input::Applied(vec![ItemOutcome::Done; 2]));
    assert_eq!(actions, [Action::Store(vec![at(P, 2)])]);
}

#[test]
fn nothing_past_a_failed_record_is_stored() {
    let mut consumer = consumer(&[P]);
    consumer.step(Input::Read(vec![sound(P, 0), sound(P, 1), sound(P, 2)]));
    let actions = consumer.step(Input::Applied(vec![
        ItemOutcome::Done,
        retry(),
        ItemOutcome::Done,
    ]));
    assert_eq!(actions[1..], [Action::Store(vec![at(P, 1)]), Action::Pause]);
    assert!(matches!(actions[0], Action::BackOff(_)));
    assert_eq!(
        consumer.step(Input::BackedOff),
        [Action::Apply(vec![at(P, 1)])],
        "the failed one alone"
    );
    let actions = consumer.step(Input::Applied(vec![ItemOutcome::Done]));
    assert_eq!(actions, [Action::Store(vec![at(P, 3)]), Action::Resume]);
}

#[test]
fn poison_is_parked_before_its_offset_is_stored_and_holds_nothing_up() {
    let mut consumer = consumer(&[P]);
    let actions = consumer.step(Input::Read(vec![poisoned(P, 0), sound(P, 1), sound(P, 2)]));
    assert_eq!(actions[1], Action::Apply(vec![at(P, 1), at(P, 2)]));
    let actions = consumer.step(Input::Applied(vec![ItemOutcome::Done, rejected()]));
    assert_eq!(
        letters(&actions),
        [(0, "malformed-event"), (2, "rejected-by-index")]
    );
    assert!(
        !actions.iter().any(|action| matches!(action, Action::Store(_))),
        "0 is not parked yet: {actions:?}"
    );
    assert_eq!(consumer.step(Input::Parked), [Action::Store(vec![at(P, 3)])]);
}

#[test]
fn a_queue_that_takes_no_letters_halts_the_consumer() {
    let mut consumer = consumer(&[P]);
    consumer.step(Input::Read(vec![poisoned(P, 0)]));
    for _ in 1..PARK_ATTEMPTS {
        let actions = consumer.step(Input::ParkRefused("no such topic".into()));
        assert!(matches!(actions[0], Action::BackOff(_)), "{actions:?}");
        assert_eq!(
            letters(&consumer.step(Input::BackedOff)),
            [(0, "malformed-event")]
        );
    }
    let actions = consumer.step(Input::ParkRefused("no such topic".into()));
    assert!(
        matches!(&actions[..], [Action::Finish(Ending::Halted(why))] if why.contains("no such topic")),
        "{actions:?}"
    );
}

#[test]
fn a_queue_that_is_away_is_waited_for_without_an_end() {
    let mut consumer = consumer(&[P]);
    consumer.step(Input::Read(vec![poisoned(P, 0)]));
    for _ in 0..10 * PARK_ATTEMPTS {
        let actions = consumer.step(Input::ParkFailed);
        assert!(matches!(actions[0], Action::BackOff(_)), "{actions:?}");
        assert_eq!(
            letters(&consumer.step(Input::BackedOff)),
            [(0, "malformed-event")]
        );
    }
    assert_eq!(
        consumer.step(Input::Parked),
        [Action::Store(vec![at(P, 1)]), Action::Resume]
    );
}

#[test]
fn reading_goes_on_when_what_was_in_trouble_is_taken_away() {
    let mut lost = consumer(&[P]);
    lost.step(Input::Read(vec![sound(P, 0)]));
    assert!(lost.step(Input::ApplyFailed).contains(&Action::Pause));
    lost.step(Input::Lost(vec![P]));
    lost.step(Input::Assigned(vec![P]));
    assert_eq!(lost.step(Input::BackedOff), [Action::Resume]);

    let mut revoked = consumer(&[P, Q]);
    revoked.step(Input::Read(vec![sound(P, 0)]));
    revoked.step(Input::ApplyFailed);
    revoked.step(Input::Revoking(vec![P]));
    assert_eq!(
        revoked.step(Input::BackedOff),
        [Action::Resume],
        "Q is still read"
    );
}

#[test]
fn a_partition_that_comes_back_before_it_was_let_go_is_read_anew() {
    let mut consumer = consumer(&[P]);
    consumer.step(Input::Read(vec![sound(P, 0)]));
    assert_eq!(consumer.step(Input::Revoking(vec![P])), []);
    assert_eq!(
        consumer.step(Input::Assigned(vec![P])),
        [Action::Release],
        "the source gave it up long ago"
    );
    assert_eq!(
        consumer.step(Input::Read(vec![sound(P, 0)])),
        [Action::Store(vec![at(P, 0)])]
    );
    let again = consumer.step(Input::Applied(vec![ItemOutcome::Done]));
    assert_eq!(
        again,
        [Action::Apply(vec![at(P, 0)])],
        "the answer belonged to the tenure before"
    );
    assert_eq!(
        consumer.step(Input::Applied(vec![ItemOutcome::Done])),
        [Action::Store(vec![at(P, 1)])]
    );
}

#[test]
fn a_stop_that_waited_long_enough_ends_without_the_answer() {
    let mut consumer = consumer(&[P]);
    consumer.step(Input::Read(vec![sound(P, 0)]));
    assert_eq!(consumer.step(Input::Stop), []);
    assert_eq!(consumer.step(Input::StopNow), [Action::Finish(Ending::Stopped)]);
}

#[test]
fn trouble_pauses_with_growing_waits_and_resumes_when_over() {
    let mut consumer = consumer(&[P]);
    consumer.step(Input::Read(vec![sound(P, 0)]));
    let mut waits = Vec::new();
    for _ in 0..12 {
        let actions = consumer.step(Input::ApplyFailed);
        let Action::BackOff(wait) = &actions[0] else {
            panic!("{actions:?}")
        };
        waits.push(*wait);
        assert_eq!(consumer.step(Input::BackedOff), [Action::Apply(vec![at(P, 0)])]);
    }
    assert!(
        waits.is_sorted() && waits[0] < waits[5] && waits[11] <= MAX_PAUSE,
        "{waits:?}"
    );
    let actions = consumer.step(Input::Applied(vec![ItemOutcome::Done]));
    assert_eq!(actions, [Action::Store(vec![at(P, 1)]), Action::Resume]);
}

#[test]
fn a_partition_assigned_during_a_pause_is_paused_too() {
    let mut consumer = consumer(&[P]);
    consumer.step(Input::Read(vec![sound(P, 0)]));
    assert!(consumer.step(Input::ApplyFailed).contains(&Action::Pause));
    assert_eq!(consumer.step(Input::Assigned(vec![Q])), [Action::Pause]);
}

#[test]
fn a_revocation_waits_for_the_answer_then_stores_then_releases() {
    let mut consumer = consumer(&[P, Q]);
    consumer.step(Input::Read(vec![
        sound(P, 0),
        sound(Q, 0),
        sound(Q, 1),
        sound(P, 1),
    ]));
    assert_eq!(
        consumer.step(Input::Revoking(vec![P])),
        [],
        "P's record 0 is being applied"
    );
    let actions = consumer.step(Input::Applied(vec![ItemOutcome::Done; 3]));
    let stored = Action::Store(vec![at(P, 1), at(Q, 2)]);
    assert_eq!(
        actions,
        [stored, Action::Release],
        "P's record 1 is left to the next owner"
    );
}

#[test]
fn a_revocation_during_trouble_does_not_wait() {
    let mut consumer = consumer(&[P, Q]);
    consumer.step(Input::Read(vec![sound(P, 0), sound(Q, 0)]));
    consumer.step(Input::ApplyFailed);
    assert_eq!(consumer.step(Input::Revoking(vec![P])), [Action::Release]);
    assert_eq!(
        consumer.step(Input::BackedOff),
        [Action::Apply(vec![at(Q, 0)])],
        "Q alone is still ours"
    );
}

#[test]
fn what_failed_of_a_revoked_partition_is_abandoned_unstored() {
    let mut consumer = consumer(&[P]);
    consumer.step(Input::Read(vec![sound(P, 0), sound(P, 1)]));
    consumer.step(Input::Revoking(vec![P]));
    let actions = consumer.step(Input::Applied(vec![retry(), ItemOutcome::Done]));
    assert!(actions.contains(&Action::Release), "{actions:?}");
    assert!(
        !actions.iter().any(|action| matches!(action, Action::Store(_))),
        "{actions:?}"
    );
}

#[test]
fn an_answer_for_a_lost_partition_stores_nothing() {
    let mut consumer = consumer(&[P]);
    consumer.step(Input::Read(vec![sound(P, 0)]));
    consumer.step(Input::Lost(vec![P]));
    consumer.step(Input::Assigned(vec![P]));
    assert_eq!(consumer.step(Input::Applied(vec![ItemOutcome::Done])), []);
}

#[test]
fn a_stop_finishes_the_batch_in_flight_and_takes_no_other() {
    let mut consumer = consumer(&[P]);
    consumer.step(Input::Read(vec![
        sound(P, 0),
        sound(P, 1),
        sound(P, 2),
        sound(P, 3),
    ]));
    assert_eq!(consumer.step(Input::Stop), []);
    let actions = consumer.step(Input::Applied(vec![ItemOutcome::Done; 3]));
    assert_eq!(
        actions,
        [Action::Store(vec![at(P, 3)]), Action::Finish(Ending::Stopped)]
    );
    assert_eq!(consumer.step(Input::Read(vec![sound(P, 4)])), []);
}

#[test]
fn a_stop_during_trouble_does_not_wait() {
    let mut consumer = consumer(&[P]);
    consumer.step(Input::Read(vec![sound(P, 0)]));
    consumer.step(Input::ApplyFailed);
    assert_eq!(consumer.step(Input::Stop), [Action::Finish(Ending::Stopped)]);
}

#[test]
fn a_halt_says_why_and_stores_only_what_is_finished() {
    let mut consumer = consumer(&[P]);
    consumer.step(Input::Read(vec![sound(P, 0)]));
    let actions = consumer.step(Input::Halt("the index is gone".into()));
    assert_eq!(
        actions,
        [Action::Finish(Ending::Halted("the index is gone".into()))]
    );
}

#[test]
fn reading_ahead_is_bounded_by_bytes() {
    let mut consumer = consumer(&[P]);
    let large = |offset| {
        let (mut record, operation) = sound(P, offset);
        record.value = Some(Bytes::from(vec![b' '; 30_000]));
        (record, operation)
    };
    consumer.step(Input::Read(vec![sound(P, 0)]));
    let actions = consumer.step(Input::Read((1..4).map(large).collect()));
    assert_eq!(actions, [Action::Pause]);
    let actions = consumer.step(Input::Applied(vec![ItemOutcome::Done]));
    assert_eq!(
        actions.last(),
        Some(&Action::Resume),
        "the queue moved into the batch"
    );
}

#[path = "machine_parking_tests.rs"]
mod parking;
