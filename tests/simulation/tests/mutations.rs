//! The simulation's own worth: every break of the design is caught, by the promise that it breaks.

use taskwire_simulation::{Caught, Invariant, Mutation, hunt, run};

/// So many seeds may pass over a break.
const BOUND: u64 = 2_000;

/// The promises that a break may be seen to break. Which comes first is a matter of the schedule.
fn promises(mutation: Mutation) -> &'static [Invariant] {
    use Invariant::*;
    match mutation {
        Mutation::ElasticsearchHardDelete => &[ADeletedTaskCannotComeBack, ASearchNeverGoesBackwards],
        Mutation::UnversionedIndex => &[AStaleWriteCannotWin, ADeletedTaskCannotComeBack],
        Mutation::DeleteWithoutDeletedTasksRow => &[ADeletedTaskCannotComeBack, ASearchNeverGoesBackwards],
        Mutation::AutomaticOffsetStore
        | Mutation::OffsetStoredBeforeBulkAnswered
        | Mutation::Item429Ignored
        | Mutation::ParkAfterAcknowledge => &[NeverAcknowledgedPastAFailure],
        Mutation::OutboxDeletedBeforeAcknowledgement | Mutation::RangeDelete => &[NoEventIsLost],
        Mutation::CursorIdGreaterThanLast => &[PerTaskOrder, RestIsReached],
        Mutation::StartCapturedAfterBackfill => &[
            TheIndexIsTheDatabase,
            ASearchNeverGoesBackwards,
            ADeletedTaskCannotComeBack,
        ],
        Mutation::PublishInOneWave => &[PerTaskOrder],
    }
}

#[test]
fn every_break_of_the_design_is_caught_and_the_design_passes_the_same_seeds() {
    for mutation in Mutation::ALL {
        let caught = hunt(mutation, 0..BOUND);
        let Caught {
            seed,
            tried,
            violation,
        } = caught.unwrap_or_else(|| panic!("{mutation} passes {BOUND} seeds"));
        println!(
            "{mutation}: caught by {} after {tried} seeds: seed {seed}: {violation}",
            violation.invariant
        );
        assert!(
            promises(mutation).contains(&violation.invariant),
            "{mutation} is caught by {violation}"
        );
        assert_eq!(run(seed, None), None, "seed {seed} of the design");
    }
}
