//! What storing a position does to the table, and where letters go.

use std::sync::Arc;

use bytes::Bytes;
use taskwire_conformance::tasks::{created, fields, new_task};
use taskwire_domain::{
    DeadLetter, DeadLetterQueue as _, EventSource, Partition, Position, Record, SourceEvent, SystemClock,
    TaskRepository as _,
};
use taskwire_sqlite::{SqliteDeadLetters, SqliteSource, SqliteTasks};

use crate::support::{Fixture, outbox};

impl Fixture {
    async fn write(&self, count: usize) {
        for n in 0..count {
            let task = new_task(fields(&format!("task {n}")));
            self.tasks.create(&task, &created(&task)).await.unwrap();
        }
    }

    fn source(&self) -> Box<SqliteSource> {
        Box::new(SqliteSource::new(self.database.clone()))
    }
}

fn before(offset: i64) -> Position {
    Position {
        partition: Partition(0),
        offset,
    }
}

async fn read(source: &mut SqliteSource) -> Vec<Record> {
    loop {
        match source.next().await {
            SourceEvent::Assigned(_) => {}
            SourceEvent::Records(records) => return records,
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn storing_deletes_what_is_before_and_nothing_else() {
    let fixture = Fixture::new();
    fixture.write(5).await;
    let mut source = fixture.source();
    assert_eq!(source.topic(), "outbox");
    source.store(&[before(4)]).unwrap();
    // A later word about less takes nothing back.
    source.store(&[before(2)]).unwrap();
    source.close().await.unwrap();
    let ids: Vec<i64> = outbox(&fixture.folder.spy())
        .iter()
        .map(|record| record.id)
        .collect();
    assert_eq!(ids, [4, 5]);
}

#[tokio::test]
async fn ids_go_on_after_the_outbox_was_emptied_and_the_file_opened_again() {
    let fixture = Fixture::new();
    fixture.write(3).await;
    let mut source = fixture.source();
    source.store(&[before(4)]).unwrap();
    source.close().await.unwrap();
    assert_eq!(fixture.count("outbox"), 0);
    fixture.database.close().await;

    let database = fixture.folder.open();
    assert_eq!(database.last_event(), 3);
    let task = new_task(fields("later"));
    SqliteTasks::new(database.clone())
        .create(&task, &created(&task))
        .await
        .unwrap();
    assert_eq!(database.last_event(), 4);
    let records = read(&mut SqliteSource::new(database)).await;
    assert_eq!(
        records
            .iter()
            .map(|record| record.position.offset)
            .collect::<Vec<_>>(),
        [4]
    );
}

#[tokio::test]
async fn a_long_outbox_comes_in_batches_of_limited_size() {
    let fixture = Fixture::new();
    let spy = fixture.folder.spy();
    let fill = "
        with recursive number (n) as (select 1 union all select n + 1 from number where n < 2500)
        insert into outbox (task_id, version, payload, headers)
        select randomblob(16), 1, zeroblob(case when n > 2000 then 100000 else 10 end), '[]' from number";
    spy.execute(fill, []).unwrap();
    // The database learns of it with its own next write.
    fixture.write(1).await;
    let mut source = fixture.source();
    let mut offsets = Vec::new();
    while offsets.len() < 2_501 {
        let records = read(&mut source).await;
        assert!(records.len() <= 1_000);
        let bytes: usize = records.iter().map(Record::size).sum();
        assert!(bytes < 5 << 20, "{bytes} bytes");
        offsets.extend(records.iter().map(|record| record.position.offset));
    }
    assert_eq!(offsets, (1..=2_501).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_letter_is_kept_once_with_its_record_and_reason() {
    let fixture = Fixture::new();
    let queue = SqliteDeadLetters::new(fixture.database.clone(), Arc::new(SystemClock));
    let letter = |offset| DeadLetter {
        record: Record {
            position: before(offset),
            key: Some(Bytes::from_static(b"key")),
            value: None,
            headers: vec![
                ("a".to_owned(), Some(Bytes::from_static(b"1"))),
                ("b".to_owned(), None),
            ],
            time: None,
        },
        reason: "malformed-event",
        detail: "no JSON".to_owned(),
        attempts: 0,
    };
    queue.park(&[letter(7), letter(9)]).await.unwrap();
    queue.park(&[letter(9), letter(10)]).await.unwrap();
    assert_eq!(fixture.count("dead_letters"), 3);
    let select = "select outbox_id, reason, detail, parked_at > 0, key, value, headers from dead_letters";
    let first: (i64, String, String, bool, Vec<u8>, Option<Vec<u8>>, String) = fixture
        .folder
        .spy()
        .query_row(select, [], |row| row.try_into())
        .unwrap();
    let wanted = (
        7,
        "malformed-event".into(),
        "no JSON".into(),
        true,
        b"key".into(),
        None,
        r#"["a","1","b",""]"#.into(),
    );
    assert_eq!(first, wanted);
}
