use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use taskwire_domain::{Error, IndexFault, Timestamp, Version};
use uuid::Uuid;

use super::*;

/// Documents and rows that a test changes between looks.
#[derive(Default)]
struct World {
    documents: Mutex<BTreeMap<TaskId, KnownState>>,
    /// What a search shows, if that is not what the documents are.
    shown: Mutex<Option<BTreeMap<TaskId, KnownState>>>,
    rows: Mutex<HashMap<TaskId, KnownState>>,
    generation: Mutex<u32>,
    is_standby: Mutex<bool>,
}

fn id(number: u64) -> TaskId {
    TaskId::from_uuid(Uuid::from_u64_pair(0, number))
}

fn live(version: i64) -> KnownState {
    KnownState {
        version: Version::new(version).unwrap(),
        time: Timestamp::from_unix_millis(version * 1_000).unwrap(),
        deleted: false,
    }
}

fn tombstone(version: i64) -> KnownState {
    KnownState {
        deleted: true,
        ..live(version)
    }
}

impl World {
    /// So many tasks, in the index as in the database; ids and times grow alike.
    fn of(tasks: u64) -> Arc<Self> {
        let world = Self::default();
        for number in 1..=tasks {
            let state = KnownState {
                time: Timestamp::from_unix_millis(i64::try_from(number).unwrap()).unwrap(),
                ..live(1)
            };
            world.documents.lock().unwrap().insert(id(number), state);
            world.rows.lock().unwrap().insert(id(number), state);
        }
        Arc::new(world)
    }

    fn document(&self, number: u64, state: KnownState) {
        self.documents.lock().unwrap().insert(id(number), state);
    }

    fn row(&self, number: u64, state: Option<KnownState>) {
        let mut rows = self.rows.lock().unwrap();
        match state {
            Some(state) => rows.insert(id(number), state),
            None => rows.remove(&id(number)),
        };
    }

    fn searched(&self) -> Vec<KnownDocument> {
        let shown = self.shown.lock().unwrap();
        let documents = self.documents.lock().unwrap();
        let shown = shown.as_ref().unwrap_or(&documents);
        shown
            .iter()
            .map(|(&id, &state)| KnownDocument { id, state })
            .collect()
    }

    fn examination(self: &Arc<Self>) -> Examination {
        Examination::new(self.clone(), self.clone())
    }
}

#[async_trait]
impl IndexedStates for World {
    async fn generation(&self) -> Result<String, IndexFault> {
        Ok(self.generation.lock().unwrap().to_string())
    }

    async fn newest(&self, limit: u32) -> Result<Vec<KnownDocument>, IndexFault> {
        let mut all = self.searched();
        all.sort_by_key(|document| std::cmp::Reverse(document.state.time));
        all.truncate(limit as usize);
        Ok(all)
    }

    async fn walk(&self, after: Option<TaskId>, limit: u32) -> Result<Vec<KnownDocument>, IndexFault> {
        let behind = |document: &KnownDocument| after.is_none_or(|after| document.id > after);
        Ok(self
            .searched()
            .into_iter()
            .filter(behind)
            .take(limit as usize)
            .collect())
    }

    async fn present(&self, ids: &[TaskId]) -> Result<Vec<KnownDocument>, IndexFault> {
        let documents = self.documents.lock().unwrap();
        let found = ids.iter().filter_map(|id| {
            let state = *documents.get(id)?;
            Some(KnownDocument { id: *id, state })
        });
        Ok(found.collect())
    }
}

#[async_trait]
impl StoredStates for World {
    async fn stored(&self, ids: &[TaskId]) -> Result<Option<HashMap<TaskId, KnownState>>, Error> {
        if *self.is_standby.lock().unwrap() {
            return Ok(None);
        }
        let rows = self.rows.lock().unwrap();
        Ok(Some(
            ids.iter().filter_map(|id| Some((*id, *rows.get(id)?))).collect(),
        ))
    }
}

#[tokio::test]
async fn a_sound_system_is_sound_whatever_is_behind_or_purged() {
    let world = World::of(10);
    world.row(1, Some(live(7)));
    world.row(2, Some(tombstone(2)));
    world.document(3, tombstone(2));
    world.row(3, None);
    world.row(99, Some(live(1)));
    let mut examination = world.examination();
    for _ in 0..5 {
        assert_eq!(examination.look().await.unwrap(), Finding::Sound);
    }
}

#[tokio::test]
async fn each_sign_of_another_history_is_found_at_the_first_look() {
    let signs: [(KnownState, Option<KnownState>); 4] = [
        (live(5), Some(live(4))),
        (live(5), None),
        (tombstone(5), Some(live(4))),
        (
            live(5),
            Some(KnownState {
                time: live(9).time,
                ..live(5)
            }),
        ),
    ];
    for (document, row) in signs {
        let world = World::of(10);
        world.document(4, document);
        world.row(4, row);
        let found = world.examination().look().await.unwrap();
        assert_eq!(found, Finding::Restored(vec![id(4)]), "{document:?} {row:?}");
    }
}

#[tokio::test]
async fn what_thousands_of_newer_documents_hide_is_found_by_walking() {
    let world = World::of(5_000);
    world.row(2_500, None);
    let mut examination = world.examination();
    let mut looks = 0;
    while examination.look().await.unwrap() == Finding::Sound {
        looks += 1;
        assert!(looks < 6, "the walk passes by every document");
    }
    assert_eq!(looks, 2, "on the third page");
}

#[tokio::test]
async fn it_is_sound_again_only_after_a_whole_walk() {
    let world = World::of(3_000);
    world.row(500, None);
    world.row(2_900, None);
    let mut examination = world.examination();
    assert_eq!(
        examination.look().await.unwrap(),
        Finding::Restored(vec![id(500), id(2_900)])
    );
    // Mended, as the newest go; but one more is out of sight.
    world.row(1_500, None);
    world.row(500, Some(live(1)));
    world.row(2_900, Some(live(1)));
    let state = world.documents.lock().unwrap()[&id(500)];
    world.row(500, Some(state));
    let state = world.documents.lock().unwrap()[&id(2_900)];
    world.row(2_900, Some(state));
    assert_eq!(examination.look().await.unwrap(), Finding::Unproven);
    assert_eq!(
        examination.look().await.unwrap(),
        Finding::Restored(vec![id(1_500)])
    );
    let state = world.documents.lock().unwrap()[&id(1_500)];
    world.row(1_500, Some(state));
    for _ in 0..3 {
        assert_eq!(examination.look().await.unwrap(), Finding::Unproven);
    }
    assert_eq!(examination.look().await.unwrap(), Finding::Sound);
}

#[tokio::test]
async fn what_was_found_stays_found_when_newer_documents_hide_it() {
    let world = World::of(10);
    world.document(4, live(5));
    let mut examination = world.examination();
    assert_eq!(examination.look().await.unwrap(), Finding::Restored(vec![id(4)]));
    for number in 100..3_000 {
        world.document(number, live(6));
        world.row(number, Some(live(6)));
    }
    assert_eq!(examination.look().await.unwrap(), Finding::Restored(vec![id(4)]));
}

#[tokio::test]
async fn an_index_that_was_built_anew_is_judged_by_itself() {
    let world = World::of(10);
    world.document(4, live(5));
    let mut examination = world.examination();
    assert_eq!(examination.look().await.unwrap(), Finding::Restored(vec![id(4)]));
    let state = world.rows.lock().unwrap()[&id(4)];
    world.document(4, state);
    *world.generation.lock().unwrap() += 1;
    assert_eq!(examination.look().await.unwrap(), Finding::Unproven);
    assert_eq!(examination.look().await.unwrap(), Finding::Sound);
}

#[tokio::test]
async fn a_document_that_only_an_old_view_of_the_index_shows_is_no_proof() {
    let world = World::of(10);
    // Live in the last refresh; deleted, indexed and purged on both sides since.
    *world.shown.lock().unwrap() = Some(world.documents.lock().unwrap().clone());
    world.documents.lock().unwrap().remove(&id(4));
    world.row(4, None);
    assert_eq!(world.examination().look().await.unwrap(), Finding::Sound);
}

#[tokio::test]
async fn a_standby_proves_nothing() {
    let world = World::of(10);
    world.row(4, None);
    *world.is_standby.lock().unwrap() = true;
    assert_eq!(world.examination().look().await.unwrap(), Finding::NotKnown);
}
