//! One fault, from its beginning until whatever was hit works again.

use std::time::Duration;

use anyhow::Context;
use fastrand::Rng;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::deck::{Card, Means, Phase, Target};
use crate::engine::{Engine, Order};
use crate::link::{Break, Link};
use crate::load::Load;
use crate::site::{Node, Site};

/// How long what is frozen stays so.
const FREEZE: Duration = Duration::from_secs(15);
/// How long a program that was ended may take to run again; it may drain for 45 s first.
const RESTART_LIMIT: Duration = Duration::from_secs(90);

/// What is hit: a program by its place, or an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Thing {
    Node(usize),
    Engine(Engine),
}

/// What a card's target is now; `None` when that cannot be told.
pub(crate) fn resolve(target: Target, leader: Option<usize>) -> Option<Thing> {
    Some(match target {
        Target::RelayLeader => Thing::Node(leader?),
        Target::RestServer => Thing::Node(1 - leader?),
        Target::Indexer1 => Thing::Node(2),
        Target::Indexer2 => Thing::Node(3),
        Target::Broker => Thing::Engine(Engine::Kafka),
        Target::Elasticsearch => Thing::Engine(Engine::Elasticsearch),
        Target::Postgres => Thing::Engine(Engine::Postgres),
    })
}

/// Carries out a card. Returns when the fault is over: links whole, programs started, engines answering.
pub(crate) async fn carry_out(load: &Load, card: Card, thing: Thing, rng: &mut Rng) -> anyhow::Result<()> {
    let site = &*load.site;
    match card.phase {
        Phase::Steady => {}
        Phase::Rebalance => disturb_group(site, thing, rng)?,
        Phase::Backlog => pile_up(load, card.target, rng).await,
    }
    match thing {
        Thing::Node(place) => hit_node(&site.nodes[place], card.means, rng).await,
        Thing::Engine(engine) => hit_engine(site, engine, card.means, rng).await,
    }
}

/// An indexer that is not the target leaves the group, with or without a word.
fn disturb_group(site: &Site, thing: Thing, rng: &mut Rng) -> anyhow::Result<()> {
    let others: Vec<usize> = [2, 3]
        .into_iter()
        .filter(|place| thing != Thing::Node(*place))
        .collect();
    let other = &site.nodes[others[rng.usize(..others.len())]].process;
    if rng.bool() {
        other.kill()
    } else {
        other.terminate()
    }
}

/// Dams the events before the index for some seconds, while more come than usual.
async fn pile_up(load: &Load, target: Target, rng: &mut Rng) {
    let dam = if target == Target::Elasticsearch {
        Engine::Kafka
    } else {
        Engine::Elasticsearch
    };
    load.set_pace(200);
    let links: Vec<&Link> = load
        .site
        .indexers()
        .iter()
        .filter_map(|node| node.link(dam))
        .collect();
    broken(
        &links,
        Break::Silent,
        Duration::from_millis(rng.u64(3_000..6_000)),
    )
    .await;
    load.set_pace(100);
}

async fn hit_node(node: &Node, means: Means, rng: &mut Rng) -> anyhow::Result<()> {
    let process = &node.process;
    match means {
        Means::Kill | Means::Terminate => {
            let starts = process.starts();
            if means == Means::Kill {
                process.kill()?;
            } else {
                process.terminate()?;
            }
            let began = Instant::now();
            while process.starts() == starts {
                let name = process.name();
                anyhow::ensure!(began.elapsed() < RESTART_LIMIT, "{name} was not started again");
                sleep(Duration::from_millis(50)).await;
            }
        }
        Means::Freeze => {
            process.freeze()?;
            sleep(FREEZE).await;
            process.thaw()?;
        }
        Means::Cut => {
            let mut links: Vec<&Link> = node.links().collect();
            if rng.u8(..3) == 0 {
                // One way alone: then it hears of the rest of the world what it should not act upon.
                let chosen = rng.usize(..links.len());
                links = vec![links[chosen]];
            }
            let how = any_break(rng);
            broken(&links, how, cut_time(rng)).await;
        }
        Means::FloodStage => {}
    }
    Ok(())
}

async fn hit_engine(site: &Site, engine: Engine, means: Means, rng: &mut Rng) -> anyhow::Result<()> {
    let engines = &site.engines;
    match means {
        Means::Kill | Means::Terminate => {
            let order = if means == Means::Kill {
                Order::Kill
            } else {
                Order::Stop
            };
            engines.order(engine, order).await?;
            sleep(Duration::from_millis(rng.u64(500..4_000))).await;
            engines.order(engine, Order::Start).await
        }
        Means::Freeze => {
            engines.order(engine, Order::Freeze).await?;
            sleep(FREEZE).await;
            engines.order(engine, Order::Thaw).await
        }
        Means::Cut => {
            let links: Vec<&Link> = site.nodes.iter().filter_map(|node| node.link(engine)).collect();
            let how = any_break(rng);
            broken(&links, how, cut_time(rng)).await;
            Ok(())
        }
        Means::FloodStage => {
            block_writes(site, true).await?;
            sleep(cut_time(rng)).await;
            block_writes(site, false).await
        }
    }
}

fn any_break(rng: &mut Rng) -> Break {
    [Break::Silent, Break::Mute, Break::Refusing][rng.usize(..3)]
}

fn cut_time(rng: &mut Rng) -> Duration {
    Duration::from_millis(rng.u64(3_000..14_000))
}

async fn broken(links: &[&Link], how: Break, time: Duration) {
    let _imposed: Vec<_> = links.iter().map(|link| link.impose(how)).collect();
    sleep(time).await;
}

/// What Elasticsearch does to its indices when a disk passes the flood stage, and undoes when there is room again.
async fn block_writes(site: &Site, blocked: bool) -> anyhow::Result<()> {
    let value = if blocked { json!(true) } else { Value::Null };
    let url = format!(
        "{}/{}/_settings",
        site.system.elasticsearch_url, site.system.index
    );
    let body = json!({ "index.blocks.read_only_allow_delete": value });
    let client = reqwest::Client::builder().no_proxy().build()?;
    let mut tries = 0;
    loop {
        let answer = client
            .put(&url)
            .json(&body)
            .timeout(Duration::from_secs(20))
            .send()
            .await;
        match answer.and_then(reqwest::Response::error_for_status) {
            Ok(_) => return Ok(()),
            Err(error) if tries == 5 => return Err(error).context("the index's block cannot be changed"),
            Err(_) => tries += 1,
        }
        sleep(Duration::from_secs(1)).await;
    }
}
