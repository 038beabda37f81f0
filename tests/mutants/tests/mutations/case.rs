//! Which scenario catches which mutation, and how.

use std::pin::Pin;
use std::time::{Duration, Instant};

use taskwire_mutants::{CONTROL, rest_server, search_indexer};

use crate::scene::Scene;
use crate::{batch_in_flight, deletions, late_commit, poison, refused_items, replay, unacknowledged};

/// What the oracle found, in words.
type Found = Pin<Box<dyn Future<Output = Vec<String>> + Send>>;

/// A scenario run with one mutation.
pub(crate) struct Case {
    scenario: &'static str,
    play: fn(Scene) -> Found,
    mutation: &'static str,
    /// A part of the finding by which it is caught; `None` when nothing may be found.
    caught_by: Option<&'static str>,
}

macro_rules! scenario {
    ($play:path as $name:literal: $($mutation:expr => $caught_by:expr),+ $(,)?) => {
        vec![$(Case {
            scenario: $name,
            play: |scene| Box::pin($play(scene)),
            mutation: $mutation,
            caught_by: $caught_by,
        }),+]
    };
}

/// All there are.
pub(crate) fn cases() -> Vec<Case> {
    [
        scenario!(replay::play as "replay-from-0":
            CONTROL => None,
            "elasticsearch-hard-delete" => Some("the deletion asks for"),
            "unversioned-index" => Some("the row asks for"),
        ),
        scenario!(deletions::play as "deletions":
            CONTROL => None,
            "delete-without-deleted-tasks-row" => Some("a document of a task the database never had"),
        ),
        scenario!(batch_in_flight::play as "killed-with-a-batch-in-flight":
            CONTROL => None,
            "automatic-offset-store" => Some("a row without a document"),
            "offset-stored-before-bulk-answered" => Some("a row without a document"),
        ),
        scenario!(unacknowledged::play as "killed-before-the-acknowledgement":
            CONTROL => None,
            "control-slow-broker" => None,
            "outbox-deleted-before-acknowledgement" => Some("no event in the topic"),
        ),
        scenario!(late_commit::play as "lower-id-committed-late":
            CONTROL => None,
            "cursor-id-greater-than-last" => Some("no event in the topic"),
            "range-delete" => Some("no event in the topic"),
        ),
        scenario!(refused_items::play as "refused-items":
            CONTROL => None,
            "control-item-429" => None,
            "item-429-ignored" => Some("a row without a document"),
        ),
        scenario!(poison::play as "killed-while-parking":
            CONTROL => None,
            "control-slow-dead-letters" => None,
            "park-after-acknowledge" => Some("is not in the dead-letter queue"),
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The names that the programs know and no case uses.
pub(crate) fn mutations_without_a_case() -> Vec<&'static str> {
    let rest = rest_server::MUTATIONS.iter().map(|(name, _)| *name);
    let indexer = search_indexer::MUTATIONS.iter().map(|(name, _)| *name);
    let cases = cases();
    rest.chain(indexer)
        .filter(|name| cases.iter().all(|case| case.mutation != *name))
        .collect()
}

impl Case {
    /// Its mutation and its scenario.
    pub(crate) fn name(&self) -> String {
        format!("{}::{}", self.mutation, self.scenario)
    }

    /// What it came to: a sentence when it is as it has to be, an error when it is not; and how long it took.
    pub(crate) async fn run(&self) -> (Result<String, String>, Duration) {
        let began = Instant::now();
        let found = (self.play)(Scene::new(self.mutation).await).await;
        (self.judge(&found), began.elapsed())
    }

    fn judge(&self, found: &[String]) -> Result<String, String> {
        match self.caught_by {
            None if found.is_empty() => Ok("nothing found".to_owned()),
            None => Err(format!("found without a mutation: {found:#?}")),
            Some(wanted) => match found.iter().find(|finding| finding.contains(wanted)) {
                Some(finding) => Ok(format!("caught by: {finding}")),
                None => Err(format!("NOT CAUGHT by {wanted:?}; found {found:#?}")),
            },
        }
    }
}
