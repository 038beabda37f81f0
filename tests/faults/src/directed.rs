//! Chosen courses of events, each of which would break the promise if one rule were missing.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use futures::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use taskwire_oracle::Record;
use tokio::time::{Instant, sleep, timeout};

use crate::client::{Told, call};
use crate::engine::{Engine, Order};
use crate::history::WriteKind;
use crate::late;
use crate::link::{Break, Link};
use crate::load::Load;
use crate::rewind::{rewind, send_again};
use crate::run::compare;
use crate::site::Node;
use crate::storm::ending;

/// How long Elasticsearch remembers what it deleted (`index.gc_deletes`), and somewhat more.
const DELETE_MEMORY: Duration = Duration::from_secs(65);
/// How long something may take to come to pass.
const PATIENCE: Duration = Duration::from_secs(120);

/// A course of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Course {
    /// Events older than Elasticsearch's memory of deletions are all read again, and some sent again: nothing comes back.
    OldDeletions,
    /// The group is set back to the beginning while writes go on: no search goes back.
    RewindUnderLoad,
    /// Indexers are killed while the index does not answer: what they had read is read again.
    KilledBeforeIndexed,
    /// Servers are killed while the broker's acknowledgements do not arrive: what was not acknowledged is sent again.
    KilledBeforePublished,
    /// A transaction with older outbox rows commits after younger ones were published.
    LateCommit,
    /// Everything is cut off at once, as by a power failure of one machine.
    PowerFailure,
}

/// Carries one out. What is wrong shows when everything is judged afterwards, unless it shows here.
pub(crate) async fn carry_out(load: &Arc<Load>, course: Course, rate: f64, seed: u64) -> anyhow::Result<()> {
    let (stop, stopped) = ending();
    let events = async {
        let done = match course {
            Course::OldDeletions => old_deletions(load).await,
            Course::RewindUnderLoad => rewind_under_load(load).await,
            Course::KilledBeforeIndexed => killed_behind(load.site.indexers(), Engine::Elasticsearch).await,
            Course::KilledBeforePublished => killed_behind(load.site.servers(), Engine::Kafka).await,
            Course::LateCommit => late_commit(load).await,
            Course::PowerFailure => power_failure(load).await,
        };
        stop.send_replace(true);
        done
    };
    if matches!(course, Course::OldDeletions | Course::LateCommit) {
        // Nobody else writes, so that what is seen is seen surely.
        return events.await;
    }
    let (done, (), _) = tokio::join!(
        events,
        load.run(rate, seed, stopped.clone()),
        crate::watch::watch(load, stopped.clone()),
    );
    done
}

async fn old_deletions(load: &Load) -> anyhow::Result<()> {
    let site = &load.site;
    let mut ids = Vec::new();
    for _ in 0..60 {
        let task = load
            .create_marked("onceuponatime", None)
            .await
            .context("a task is created")?;
        ids.push(task["id"].as_str().unwrap_or_default().to_owned());
    }
    for id in &ids {
        let (number, _) = load
            .history
            .begin(WriteKind::Delete, Some(id), None, |_| Value::Null);
        let told = call(&site.apis[0], Method::DELETE, &format!("/tasks/{id}"), &[], None).await;
        load.history
            .end(number, crate::client::outcome(&told, true, &load.findings));
    }
    site.system.settle(PATIENCE).await?;
    await_none(load).await?;
    sleep(DELETE_MEMORY).await;
    site.engines.order(Engine::Elasticsearch, Order::Stop).await?;
    site.engines.order(Engine::Elasticsearch, Order::Start).await?;
    // First alone, without the deletions that follow them: those would be remembered anew.
    let records = site.system.records().await?;
    let of_old = |record: &Record| {
        let key = record.key.as_deref().unwrap_or_default();
        ids.iter().any(|id| id.as_bytes() == key) && record.header("ce_taskversion") == Some("1")
    };
    let first: Vec<Record> = records.into_iter().filter(of_old).take(20).collect();
    ensure!(
        first.len() == 20,
        "the topic has not the events of the deleted tasks"
    );
    send_again(&site.system, &first).await?;
    site.system.settle(PATIENCE).await?;
    compare(&site.system, &load.findings).await?;
    read_again(load).await?;
    let replayed = async {
        let rest = site.system.settle(PATIENCE);
        tokio::pin!(rest);
        loop {
            if let Ok(rest) = timeout(Duration::from_millis(100), &mut rest).await {
                return rest;
            }
            if let Some(found @ 1..) = count(load).await {
                let text =
                    format!("{found} of the deleted tasks are found while their events are read again");
                load.findings.add(crate::finding::Kind::Resurrected, text);
            }
        }
    };
    replayed.await
}

/// How many of the deleted tasks a search finds; `None` when it is not answered.
async fn count(load: &Load) -> Option<i64> {
    let query = json!({"description": "onceuponatime", "size": 1});
    match call(
        &load.site.apis[0],
        Method::POST,
        "/tasks/search",
        &[],
        Some(&query),
    )
    .await
    {
        Told::Answered(answer) if answer.status == StatusCode::OK => answer.body["total"].as_i64(),
        _ => None,
    }
}

/// Searches follow a refresh.
async fn await_none(load: &Load) -> anyhow::Result<()> {
    let began = Instant::now();
    while count(load).await != Some(0) {
        ensure!(
            began.elapsed() < PATIENCE,
            "deleted tasks are still found after {PATIENCE:?}"
        );
        sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// Stops the indexers, sets their group back to the beginning, and starts them.
async fn read_again(load: &Load) -> anyhow::Result<()> {
    let indexers = load.site.indexers();
    join_all(indexers.iter().map(|node| node.process.rest())).await;
    rewind(&load.site.system).await?;
    for node in indexers {
        node.process.resume();
    }
    Ok(())
}

async fn rewind_under_load(load: &Load) -> anyhow::Result<()> {
    for _ in 0..2 {
        sleep(Duration::from_secs(8)).await;
        read_again(load).await?;
    }
    sleep(Duration::from_secs(8)).await;
    Ok(())
}

/// Three times: the engine gets what the programs send and its answers do not arrive; then nothing passes; then the
/// programs are killed.
async fn killed_behind(nodes: &[Node], engine: Engine) -> anyhow::Result<()> {
    for how in [Break::Silent, Break::Mute, Break::Silent] {
        sleep(Duration::from_secs(4)).await;
        let links: Vec<&Link> = nodes.iter().filter_map(|node| node.link(engine)).collect();
        let imposed: Vec<_> = links.iter().map(|link| link.impose(how)).collect();
        // Longer than any timer that might store or commit something by itself.
        sleep(Duration::from_secs(8)).await;
        for node in nodes {
            node.process.kill()?;
        }
        drop(imposed);
    }
    sleep(Duration::from_secs(4)).await;
    Ok(())
}

/// Writes take their outbox ids and commit seconds later, while younger events are published; and once more while those
/// younger ones are on their way.
async fn late_commit(load: &Load) -> anyhow::Result<()> {
    for in_flight in [false, true, false, true] {
        let late = join_all((0..3).map(|_| load.create_marked(late::TEXT, None)));
        let links = load
            .site
            .servers()
            .iter()
            .filter_map(|node| node.link(Engine::Kafka));
        let links: Vec<&Link> = links.filter(|_| in_flight).collect();
        let younger = async {
            late::await_sleeping(&load.site.system.database_url, 3).await?;
            let imposed: Vec<_> = links.iter().map(|link| link.impose(Break::Mute)).collect();
            let published = load.site.system.records().await?.len();
            for _ in 0..5 {
                load.create_marked("younger", None)
                    .await
                    .context("a task is created")?;
            }
            let began = Instant::now();
            // In the topic, acknowledged or not. Without acknowledgements, the relay has one batch on its way.
            let wanted = if in_flight { 1 } else { 5 };
            while load.site.system.records().await?.len() < published + wanted {
                ensure!(began.elapsed() < PATIENCE, "younger events are not published");
                sleep(Duration::from_millis(50)).await;
            }
            anyhow::Ok(imposed)
        };
        let (late, imposed) = tokio::join!(late, younger);
        if in_flight {
            // The late ones are committed now, and the younger ones' acknowledgements are still to come.
            sleep(Duration::from_millis(300)).await;
        }
        drop(imposed?);
        ensure!(late.iter().all(Option::is_some), "a late commit was refused");
        load.site.system.settle(PATIENCE).await?;
    }
    Ok(())
}

/// Everything that runs is killed, engines first, and comes up in any order.
async fn power_failure(load: &Load) -> anyhow::Result<()> {
    let site = &load.site;
    for _ in 0..2 {
        sleep(Duration::from_secs(8)).await;
        let engines = [Engine::Postgres, Engine::Kafka, Engine::Elasticsearch];
        let kills = engines.map(|engine| site.engines.order(engine, Order::Kill));
        for node in &site.nodes {
            node.process.kill()?;
        }
        for killed in join_all(kills).await {
            killed?;
        }
        let starts = engines.map(|engine| site.engines.order(engine, Order::Start));
        for started in join_all(starts).await {
            started?;
        }
    }
    sleep(Duration::from_secs(8)).await;
    Ok(())
}
