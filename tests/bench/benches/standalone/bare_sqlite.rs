//! The least that SQLite can do with the same tasks: one connection, one prepared statement a table, nothing between two
//! transactions. It shows what this disk and this engine have to give.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};
use serde_json::json;

/// The settings of the service's own connection that writes.
const SETTINGS: &str = "
    pragma journal_mode = wal;
    pragma synchronous = full;
    pragma foreign_keys = on;
    pragma journal_size_limit = 67108864;
    pragma temp_store = memory;
    pragma cache_size = -16384;";

/// What the service wrote: its schema and its rows.
pub(crate) struct Written {
    schema: Vec<String>,
    rows: Vec<Row>,
}

/// A task and its event.
struct Row {
    /// Every column of `tasks`.
    task: Vec<Value>,
    id: Vec<u8>,
    payload: Vec<u8>,
    headers: String,
}

impl Written {
    /// Reads them from the service's file. Events that were indexed are deleted, so they are made again.
    pub(crate) fn read(file: &Path) -> Result<Self> {
        let connection = Connection::open(file)?;
        let mut schema = connection.prepare(
            "select sql from sqlite_master where sql is not null and name not like 'sqlite_%' order by rowid",
        )?;
        let schema = schema
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        let mut tasks = connection.prepare("select * from tasks order by rowid")?;
        let names: Vec<String> = tasks.column_names().into_iter().map(str::to_owned).collect();
        let mut read = tasks.query([])?;
        let mut rows = Vec::new();
        while let Some(row) = read.next()? {
            let task: Vec<Value> = (0..names.len())
                .map(|index| row.get(index))
                .collect::<Result<_, _>>()?;
            rows.push(Row::of(&names, task)?);
        }
        Ok(Self { schema, rows })
    }

    /// How many tasks.
    pub(crate) fn count(&self) -> usize {
        self.rows.len()
    }

    /// Writes all of it into a new file, so many tasks to a transaction, each of which is durable before the next begins.
    /// How long that took.
    pub(crate) fn write_again(&self, folder: &Path, batch: usize) -> Result<Duration> {
        let connection = Connection::open(folder.join("bare.db"))?;
        connection.execute_batch(SETTINGS)?;
        for statement in &self.schema {
            connection.execute_batch(statement)?;
        }
        let places = vec!["?"; self.rows.first().map_or(0, |row| row.task.len())].join(", ");
        let mut task = connection.prepare(&format!("insert into tasks values ({places})"))?;
        let mut event = connection
            .prepare("insert into outbox (task_id, version, payload, headers) values (?1, 1, ?2, ?3)")?;
        let began = Instant::now();
        for rows in self.rows.chunks(batch) {
            let transaction = connection.unchecked_transaction()?;
            for row in rows {
                task.execute(params_from_iter(&row.task))?;
                event.execute(params![row.id, row.payload, row.headers])?;
            }
            transaction.commit()?;
        }
        let took = began.elapsed();
        let count: i64 = connection.query_row("select count(*) from outbox", [], |row| row.get(0))?;
        ensure!(
            usize::try_from(count)? == self.rows.len(),
            "the bare loop wrote {count} events"
        );
        Ok(took)
    }
}

impl Row {
    fn of(names: &[String], task: Vec<Value>) -> Result<Self> {
        let column = |name| {
            let index = names.iter().position(|it| it == name);
            index
                .map(|index| &task[index])
                .with_context(|| format!("tasks have no {name}"))
        };
        let Value::Blob(id) = column("id")?.clone() else {
            anyhow::bail!("ids are no blobs");
        };
        let Value::Text(description) = column("description")? else {
            anyhow::bail!("descriptions are no texts");
        };
        let payload = payload(description);
        Ok(Self {
            id,
            payload,
            headers: HEADERS.to_owned(),
            task,
        })
    }
}

const ID: &str = "0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a10";
const TIME: &str = "2026-05-01T09:00:00.000Z";

/// As long as the event of a task with this description.
fn payload(description: &str) -> Vec<u8> {
    let event = json!({
        "type": "Task.Created",
        "value": {
            "id": ID,
            "externalId": null,
            "description": description,
            "priority": "low",
            "dates": {"start": null, "due": null},
            "isDone": false,
            "parentId": null,
            "categories": [],
            "createdAt": TIME,
            "updatedAt": TIME,
            "completedAt": null,
            "version": 1,
        }
    });
    event.to_string().into_bytes()
}

/// The headers of such an event.
const HEADERS: &str = concat!(
    r#"["content-type","application/json","ce_specversion","1.0","ce_id","0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a10:1","#,
    r#""ce_type","Task.Created","ce_source","/tasks","ce_time","2026-05-01T09:00:00.000Z","#,
    r#""ce_subject","0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a10","ce_taskversion","1"]"#
);
