//! The least that an HTTP server can do with a task: read it as JSON and answer as much as the service answers. It shows
//! what these processors have left for HTTP when the callers run on them, too.

use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Bytes;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::post;
use serde_json::Value;
use taskwire_bench::closed_loop::{Load, post_all};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::Command;

/// Serves until it is killed, and prints where.
#[allow(
    clippy::print_stdout,
    reason = "the process that started it reads the address there"
)]
pub(crate) fn serve() -> Result<()> {
    tokio::runtime::Runtime::new()?.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        let router = Router::new().route("/tasks", post(create));
        axum::serve(listener, router).await?;
        Ok(())
    })
}

async fn create(body: Bytes) -> impl IntoResponse {
    let task = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let answer = serde_json::json!({
        "task": {
            "id": "0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a10",
            "externalId": null,
            "description": task["description"],
            "priority": task["priority"],
            "dates": {"start": null, "due": null},
            "isDone": task["isDone"],
            "parentId": null,
            "categories": [],
            "createdAt": "2026-05-01T09:00:00.000Z",
            "updatedAt": "2026-05-01T09:00:00.000Z",
            "completedAt": null,
            "version": 1,
        }
    });
    let headers = [(header::CONTENT_TYPE, "application/json")];
    (StatusCode::CREATED, headers, answer.to_string())
}

/// Posts the tasks to such a server in a process of its own.
pub(crate) async fn measure(bodies: &Arc<[Vec<u8>]>, connections: usize) -> Result<Load> {
    let mut server = Command::new(std::env::current_exe()?)
        .arg("--bare-http")
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let output = server.stdout.take().context("its output is piped")?;
    let line = BufReader::new(output).lines().next_line().await?;
    let address: SocketAddr = line.unwrap_or_default().parse()?;
    let load = post_all(address, "/tasks", bodies, connections, 201).await?;
    server.kill().await?;
    Ok(load)
}
