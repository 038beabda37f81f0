//! What a page costs.

use sqlx::PgConnection;
use taskwire_domain::{
    ListFilter, ListKey, ListOrder, ListPosition, ListQuery, ListRank, Priority, TaskRepository as _,
};
use taskwire_testkit::Database;

use crate::fixture::{eventually, execute, migrated, repository, settings};

/// Four of five are done, and all open ones are the newest: what one who walks all tasks passes over.
async fn filled() -> Database {
    let database = migrated().await;
    execute(
        &mut database.connect().await,
        "insert into tasks (id, description, priority, is_done, due_at, categories, created_at, updated_at, version)
         select gen_random_uuid(), 'task', n % 4, n <= 16000,
                case when n % 2 = 0 then timestamptz '2026-01-01' + n * interval '1 minute' end, '{}',
                timestamptz '2026-01-01' + n * interval '1 second', timestamptz '2026-01-01' - n * interval '1 second', 1
         from generate_series(1, 20000) n;
         analyze tasks;
         select pg_stat_reset();",
    )
    .await;
    database
}

/// Rows that queries on `tasks` took through an index, once the connections that did so are gone.
async fn rows_read(spy: &mut PgConnection) -> i64 {
    let gone = "select not exists (select from pg_stat_activity
                where application_name = 'taskwire' and datname = current_database())";
    eventually(spy, gone).await;
    let done = "select seq_scan + idx_scan > 0 from pg_stat_user_tables where relname = 'tasks'";
    eventually(spy, done).await;
    let (whole, by_index): (i64, i64) = sqlx::query_as(
        "select seq_tup_read, (select sum(idx_tup_read)::bigint from pg_stat_user_indexes where relname = 'tasks')
         from pg_stat_user_tables where relname = 'tasks'",
    )
    .fetch_one(spy)
    .await
    .unwrap();
    assert_eq!(whole, 0, "the table was read as a whole");
    by_index
}

/// Where half of the tasks are behind.
fn middle(key: ListKey) -> ListRank {
    let time = |text: &str| ListRank::Time(Some(text.parse().unwrap()));
    match key {
        ListKey::CreatedAt => time("2026-01-01T02:46:40Z"),
        ListKey::UpdatedAt => time("2025-12-31T21:13:20Z"),
        ListKey::Due => time("2026-01-07T22:40:00Z"),
        ListKey::Priority => ListRank::Priority(Priority::Low),
    }
}

/// Whatever the order, with open and done tasks or one of the two, from the beginning or further on, a page is read
/// from an index, and not many more rows than it shows.
#[tokio::test]
async fn a_page_is_read_from_an_index_and_no_further_than_it_reaches() {
    let database = filled().await;
    let mut spy = database.connect().await;
    let keys = [
        ListKey::CreatedAt,
        ListKey::UpdatedAt,
        ListKey::Due,
        ListKey::Priority,
    ];
    for (key, descending) in keys.into_iter().flat_map(|key| [(key, false), (key, true)]) {
        for is_done in [None, Some(false), Some(true)] {
            let tasks = repository(&settings(database.url()));
            let mut query = ListQuery {
                filter: ListFilter {
                    is_done,
                    ..ListFilter::default()
                },
                order: ListOrder { key, descending },
                after: None,
                limit: 50,
            };
            let page = tasks.list(&query).await.unwrap();
            assert_eq!(page.len(), 50, "{query:?}");
            query.after = Some(ListPosition {
                rank: middle(key),
                id: page[0].id,
            });
            tasks.list(&query).await.unwrap();
            drop(tasks);
            let read = rows_read(&mut spy).await;
            // At most four arms of a page each, twice.
            assert!(read <= 2 * 4 * 50, "{read} rows for {query:?}");
            execute(&mut spy, "select pg_stat_reset()").await;
        }
    }
}
