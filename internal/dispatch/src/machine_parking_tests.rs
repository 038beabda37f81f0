//! How much poison is parked, and when none is.

use super::*;

/// With a limit on parking, and room for so many records in a batch.
fn restrained(park_limit: u32, batch_records: u32) -> Consumer<Position> {
    let mut consumer = Consumer::new(DispatchSettings {
        batch_records,
        park_limit,
        ..settings()
    });
    consumer.step(Input::Assigned(vec![P]));
    consumer
}

/// Poison and sound records by turns.
fn every_other(offsets: std::ops::Range<i64>) -> Vec<Dispatched<Position>> {
    offsets
        .map(|offset| match offset % 2 {
            0 => poisoned(P, offset),
            _ => sound(P, offset),
        })
        .collect()
}

fn done(actions: &[Action<Position>]) -> Input<Position> {
    let applied = actions.iter().find_map(|action| match action {
        Action::Apply(operations) => Some(operations.len()),
        _ => None,
    });
    Input::Applied(vec![ItemOutcome::Done; applied.expect("something is applied")])
}

/// Lets the consumer look ahead and returns what it does then.
fn look_ahead(consumer: &mut Consumer<Position>, actions: &[Action<Position>]) -> Vec<Action<Position>> {
    assert!(actions.contains(&Action::BackOff(LOOK_AHEAD)), "{actions:?}");
    consumer.step(Input::BackedOff)
}

fn halt(actions: &[Action<Position>]) -> &str {
    assert!(
        !actions.iter().any(|action| matches!(action, Action::Park(_))),
        "{actions:?}"
    );
    match actions.last() {
        Some(Action::Finish(Ending::Halted(why))) => why,
        _ => panic!("expected a halt, got {actions:?}"),
    }
}

#[test]
fn one_poisonous_record_alone_in_its_batch_is_parked() {
    let mut consumer = restrained(50, 100);
    let actions = consumer.step(Input::Read(vec![poisoned(P, 0)]));
    let actions = look_ahead(&mut consumer, &actions);
    assert_eq!(letters(&actions), [(0, "malformed-event")]);
    assert_eq!(
        consumer.step(Input::Parked),
        [Action::CountMinute, Action::Store(vec![at(P, 1)])]
    );
    assert_eq!(
        letters(&consumer.step(Input::Read(vec![poisoned(P, 1)]))),
        [(1, "malformed-event")],
        "the second one is not waited over"
    );
}

#[test]
fn more_poison_than_the_limit_within_a_minute_halts_before_it_is_parked() {
    let mut consumer = restrained(5, 100);
    let actions = consumer.step(Input::Read(every_other(0..8)));
    let actions = consumer.step(done(&actions));
    assert_eq!(letters(&look_ahead(&mut consumer, &actions)).len(), 4);
    consumer.step(Input::Parked);
    let actions = consumer.step(Input::Read(every_other(8..12)));
    let actions = consumer.step(done(&actions));
    let why = halt(&actions);
    assert!(
        why.contains("2 records") && why.contains("4 were parked") && why.contains("PARK_LIMIT=5"),
        "{why}"
    );
    assert!(
        why.contains("offset 8 of partition 0") && why.contains("malformed-event"),
        "{why}"
    );
    assert!(
        !actions.iter().any(|action| matches!(action, Action::Store(_))),
        "{actions:?}"
    );
}

#[test]
fn when_the_minute_is_over_as_many_again_are_parked() {
    let mut consumer = restrained(2, 100);
    let actions = consumer.step(Input::Read(every_other(0..4)));
    let actions = consumer.step(done(&actions));
    assert_eq!(letters(&look_ahead(&mut consumer, &actions)).len(), 2);
    assert_eq!(consumer.step(Input::Parked)[0], Action::CountMinute);
    consumer.step(Input::MinuteOver);
    let actions = consumer.step(Input::Read(every_other(4..8)));
    let actions = consumer.step(done(&actions));
    assert_eq!(letters(&actions).len(), 2);
    assert_eq!(
        consumer.step(Input::Parked)[0],
        Action::CountMinute,
        "the next minute"
    );
}

#[test]
fn ten_records_in_a_row_of_which_none_can_be_applied_halt_and_nine_do_not() {
    let mut nine = restrained(50, 100);
    let actions = nine.step(Input::Read((0..9).map(|offset| poisoned(P, offset)).collect()));
    assert_eq!(letters(&look_ahead(&mut nine, &actions)).len(), 9);

    let mut ten = restrained(50, 100);
    let actions = ten.step(Input::Read((0..10).map(|offset| poisoned(P, offset)).collect()));
    assert!(halt(&look_ahead(&mut ten, &actions)).contains("not one of 10 records"));

    let mut refused = restrained(50, 100);
    refused.step(Input::Read((0..10).map(|offset| sound(P, offset)).collect()));
    let actions = refused.step(Input::Applied(vec![rejected(); 10]));
    assert!(halt(&look_ahead(&mut refused, &actions)).contains("rejected-by-index"));

    let mut mixed = restrained(50, 100);
    mixed.step(Input::Read((0..11).map(|offset| sound(P, offset)).collect()));
    let mut outcomes = vec![rejected(); 10];
    outcomes.push(ItemOutcome::Done);
    let actions = mixed.step(Input::Applied(outcomes));
    assert_eq!(letters(&look_ahead(&mut mixed, &actions)).len(), 10);
}

/// A consumer that has halted is started again and reads the same flood, a few records at first.
#[test]
fn a_restart_parks_nothing_of_a_flood_that_comes_in_pieces() {
    let mut consumer = restrained(5, 100);
    let actions = consumer.step(Input::Read(vec![poisoned(P, 0)]));
    assert!(actions.contains(&Action::BackOff(LOOK_AHEAD)), "{actions:?}");
    assert_eq!(consumer.step(Input::Read(every_other(1..21))), []);
    let actions = consumer.step(Input::BackedOff);
    let actions = consumer.step(done(&actions));
    assert!(halt(&actions).contains("11 records"), "{actions:?}");
}

#[test]
fn without_a_limit_any_number_is_parked_at_once() {
    let mut consumer = restrained(0, 1000);
    let actions = consumer.step(Input::Read((0..500).map(|offset| poisoned(P, offset)).collect()));
    assert_eq!(letters(&actions).len(), 500);
}

#[test]
fn a_letter_says_how_often_its_record_was_sent() {
    let mut consumer = consumer(&[P]);
    consumer.step(Input::Read(vec![sound(P, 0), poisoned(P, 1)]));
    consumer.step(Input::ApplyFailed);
    consumer.step(Input::BackedOff);
    consumer.step(Input::Applied(vec![retry()]));
    consumer.step(Input::BackedOff);
    let actions = consumer.step(Input::Applied(vec![rejected()]));
    let Some(Action::Park(letters)) = actions.first() else {
        panic!("{actions:?}")
    };
    let attempts: Vec<_> = letters
        .iter()
        .map(|letter| (letter.record.position.offset, letter.attempts))
        .collect();
    assert_eq!(attempts, [(1, 0), (0, 3)]);
}
