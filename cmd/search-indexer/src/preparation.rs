//! What has to be there before the first record is read: a search server that will do, the index and the dead-letter
//! queue.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use taskwire_domain::{Chain, IndexFault};
use taskwire_elasticsearch::{Client, Generation, check_server, ensure_generation};
use taskwire_kafka::{TopicFault, TopicPlan, create_topic};

use crate::settings::Settings;

/// Makes sure of all three, waiting for engines that are away; safe when several daemons start at once.
pub(crate) async fn prepare(settings: &Settings, client: &Client) -> anyhow::Result<Generation> {
    search_server(client).await?;
    let generation = generation(settings, client).await?;
    dead_letter_queue(settings).await?;
    Ok(generation)
}

async fn search_server(client: &Client) -> Result<(), IndexFault> {
    for pause in pauses() {
        match check_server(client).await {
            Err(fault @ IndexFault::Retry { .. }) => wait(&fault, pause, "waiting for elasticsearch").await,
            other => return other,
        }
    }
    unreachable!("the pauses have no end")
}

async fn generation(settings: &Settings, client: &Client) -> Result<Generation, IndexFault> {
    for pause in pauses() {
        match ensure_generation(client, &settings.elasticsearch.index, &settings.index).await {
            Err(fault @ IndexFault::Retry { .. }) => wait(&fault, pause, "waiting for elasticsearch").await,
            other => return other,
        }
    }
    unreachable!("the pauses have no end")
}

async fn dead_letter_queue(settings: &Settings) -> Result<(), TopicFault> {
    let plan = TopicPlan::dead_letters(&settings.consumer);
    for pause in pauses() {
        match create_topic(&settings.kafka, &plan).await {
            Err(fault @ TopicFault::Unreachable { .. }) => wait(&fault, pause, "waiting for kafka").await,
            other => return other,
        }
    }
    unreachable!("the pauses have no end")
}

async fn wait(fault: &dyn std::error::Error, pause: Duration, message: &'static str) {
    tracing::warn!(error = %Chain(fault), retry.after_ms = pause.as_millis(), message);
    tokio::time::sleep(pause).await;
}

/// 100 ms, doubled every time, up to five seconds, without an end.
fn pauses() -> impl Iterator<Item = Duration> {
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(Duration::from_secs(5))
        .without_max_times()
        .build()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may unwrap")]
mod tests {
    use clap::Parser;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// What Elasticsearch 9.2 says to the creation of an index when its disks are full.
    const NO_ROOM: &str = r#"{"error":{"root_cause":[],"type":"cluster_block_exception","reason":"index [t-v1-000001] blocked by: [FORBIDDEN/10/cluster create-index blocked (api)];"},"status":403}"#;
    const NO_INDEX: &str = r#"{"error":{"root_cause":[],"type":"index_not_found_exception","reason":"no such index [t]"},"status":404}"#;

    /// Answers everything as a cluster without room does, and counts the attempts to create an index.
    async fn full(listener: TcpListener, attempts: tokio::sync::mpsc::UnboundedSender<()>) {
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.windows(4).any(|end| end == b"\r\n\r\n") {
                if connection.read_buf(&mut head).await.unwrap() == 0 {
                    break;
                }
            }
            let (status, body) = if head.starts_with(b"PUT") {
                attempts.send(()).unwrap();
                ("403 Forbidden", NO_ROOM)
            } else {
                ("404 Not Found", NO_INDEX)
            };
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            connection.write_all(answer.as_bytes()).await.unwrap();
        }
    }

    #[tokio::test]
    async fn an_index_that_cannot_be_created_because_the_disks_are_full_is_tried_again() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let arguments = ["test", "--kafka-brokers=127.0.0.1:1", "--elasticsearch-index=t"];
        let settings = Settings::parse_from(
            arguments
                .iter()
                .map(ToString::to_string)
                .chain([format!("--elasticsearch-url={url}")]),
        );
        let client = Client::new(&settings.elasticsearch).unwrap();
        let (attempts, mut attempted) = tokio::sync::mpsc::unbounded_channel();
        let three = async {
            for _ in 0..3 {
                attempted.recv().await.unwrap();
            }
        };
        tokio::select! {
            ended = generation(&settings, &client) => panic!("it did not wait: {ended:?}"),
            () = full(listener, attempts) => {}
            () = three => {}
        }
    }
}
