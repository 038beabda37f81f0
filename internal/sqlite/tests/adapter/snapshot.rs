//! Everything at one moment.

use std::collections::BTreeMap;

use taskwire_conformance::tasks::{created, deletion, described, fields, new_task, updated};
use taskwire_domain::{Error, Task, TaskId, TaskRepository as _};
use taskwire_sqlite::{Snapshot, Stored};

use crate::support::Fixture;

impl Fixture {
    async fn put(&self, description: &str) -> Task {
        let task = new_task(fields(description));
        self.tasks.create(&task, &created(&task)).await.unwrap();
        task
    }

    async fn remove(&self, task: &Task) {
        let (deleted, expected, event) = deletion(task);
        self.tasks.delete(&deleted, expected, &event).await.unwrap();
    }
}

fn versions(snapshot: &Snapshot) -> BTreeMap<TaskId, (i64, bool)> {
    let mut found = BTreeMap::new();
    let visited = snapshot.for_each_version::<Error>(|batch| {
        assert!(batch.len() <= 1_000);
        for stored in batch {
            let of_it = (stored.version.get(), stored.is_deleted);
            assert_eq!(found.insert(stored.id, of_it), None);
        }
        Ok(())
    });
    visited.unwrap();
    found
}

fn rows(snapshot: &Snapshot) -> Vec<Stored> {
    let mut found = Vec::new();
    let visited = snapshot.for_each_stored::<Error>(|batch| {
        found.extend(batch);
        Ok(())
    });
    visited.unwrap();
    found
}

#[tokio::test]
async fn a_snapshot_shows_one_moment_whatever_is_written_meanwhile() {
    let fixture = Fixture::new();
    let empty = fixture.database.snapshot().unwrap();
    let (kept, gone) = (fixture.put("kept").await, fixture.put("gone").await);
    fixture.remove(&gone).await;
    let snapshot = fixture.database.snapshot().unwrap();
    let changed = described(&kept, "changed");
    fixture
        .tasks
        .update(&changed, kept.version, &updated(&changed))
        .await
        .unwrap();
    fixture.remove(&changed).await;
    fixture.put("new").await;

    assert_eq!(
        (empty.last_event(), empty.count().unwrap(), rows(&empty)),
        (0, 0, Vec::new())
    );
    assert_eq!((snapshot.last_event(), snapshot.count().unwrap()), (3, 2));
    let stored = rows(&snapshot);
    assert_eq!(stored[0], Stored::Live(kept.clone()));
    let Stored::Deleted(deleted) = &stored[1] else {
        panic!("{stored:?}")
    };
    assert_eq!((deleted.id, deleted.version), (gone.id, gone.version.next()));
    assert_eq!(
        versions(&snapshot),
        BTreeMap::from([(kept.id, (1, false)), (gone.id, (2, true))])
    );
}

#[tokio::test]
async fn the_visitor_gets_batches_and_can_end_it() {
    let fixture = Fixture::new();
    let fill = "
        with recursive number (n) as (select 1 union all select n + 1 from number where n < 2500)
        insert into deleted_tasks (id, version, deleted_at) select randomblob(16), 2, 0 from number";
    fixture.folder.spy().execute(fill, []).unwrap();
    let snapshot = fixture.database.snapshot().unwrap();
    let mut sizes = Vec::new();
    let ended: Result<(), Error> = snapshot.for_each_stored(|batch| {
        sizes.push(batch.len());
        Ok(())
    });
    ended.unwrap();
    assert_eq!(sizes, [1_000, 1_000, 500]);
    assert_eq!(versions(&snapshot).len(), 2_500);

    let mut visits = 0;
    let ended: Result<(), Error> = snapshot.for_each_version(|batch| {
        visits += 1;
        Err(Error::NotFound(batch[0].id))
    });
    assert!(matches!(ended, Err(Error::NotFound(_))), "{ended:?}");
    assert_eq!(visits, 1);
}

#[tokio::test]
async fn a_row_that_breaks_a_rule_is_a_fault_and_not_a_task() {
    let fixture = Fixture::new();
    let task = fixture.put("a").await;
    fixture
        .folder
        .spy()
        .execute("update tasks set description = ' '", [])
        .unwrap();
    let error = fixture.tasks.find(task.id).await.unwrap_err();
    assert!(matches!(error, Error::Internal { .. }), "{error:?}");
    let snapshot = fixture.database.snapshot().unwrap();
    let error = snapshot.for_each_stored::<Error>(|_| Ok(())).unwrap_err();
    assert!(matches!(error, Error::Internal { .. }), "{error:?}");
    // Whoever only compares versions need not know.
    assert_eq!(versions(&snapshot).len(), 1);
}
