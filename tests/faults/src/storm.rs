//! One fault after the other.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::deck::{Card, Deck};
use crate::finding::Kind;
use crate::load::Load;
use crate::probe::recovery;
use crate::wreck::{Thing, carry_out, resolve};

/// Most programs in fault at a time: one of the four is left.
const MOST_NODES: usize = 3;

/// One fault in so many is let pass alone, so that its recovery is its own.
const ALONE: usize = 20;

/// A fault that was carried out.
#[derive(Debug, Clone)]
pub(crate) struct Hit {
    pub(crate) card: Card,
    /// Since the load began.
    pub(crate) began: Duration,
    /// Until what was hit worked again.
    pub(crate) lasted: Duration,
    /// From then until a new write could be searched; `None` when that did not come to pass within the probe's limit.
    pub(crate) recovered: Option<Duration>,
    /// Whether no other fault was on meanwhile, so that the recovery is this one's own.
    pub(crate) undisturbed: bool,
}

/// What is going on, for those who have to know of one another.
#[derive(Default)]
struct Going {
    things: BTreeSet<Thing>,
    begun: usize,
}

/// Deals faults until `most` were dealt or `end` is there; returns when all are over and have been recovered from.
pub(crate) async fn storm(load: &Arc<Load>, seed: u64, most: usize, end: Instant) -> Vec<Hit> {
    let began = Instant::now();
    let (mut deck, mut rng) = (Deck::new(seed), Rng::with_seed(seed ^ 0x5707));
    let going = Arc::new(Mutex::new(Going::default()));
    let mut wrecks = JoinSet::new();
    let mut hits = Vec::new();
    while begun(&going) < most && Instant::now() < end {
        sleep(Duration::from_millis(rng.u64(2_000..5_000))).await;
        if begun(&going).is_multiple_of(ALONE) {
            hits.extend(finished(&mut wrecks).await);
        }
        let leader = load.site.leader().await;
        let Some((card, thing)) = deal(&mut deck, &mut rng, &going, leader) else {
            continue;
        };
        let (load, going_on, rng) = (load.clone(), going.clone(), rng.fork());
        wrecks.spawn(async move { suffer(&load, &going_on, card, thing, rng, began).await });
        if begun(&going) % ALONE == 1 {
            hits.extend(finished(&mut wrecks).await);
        }
    }
    hits.extend(finished(&mut wrecks).await);
    hits
}

/// What is under way, when it is over and has been recovered from.
async fn finished(wrecks: &mut JoinSet<Hit>) -> Vec<Hit> {
    std::mem::take(wrecks).join_all().await
}

/// Where nobody else is at work, and where there is room for one more.
fn deal(
    deck: &mut Deck,
    rng: &mut Rng,
    going: &Mutex<Going>,
    leader: Option<usize>,
) -> Option<(Card, Thing)> {
    let mut going = lock(going);
    let engines = going
        .things
        .iter()
        .filter(|thing| matches!(thing, Thing::Engine(_)))
        .count();
    let nodes = going.things.len() - engines;
    // Two engines away at once, but not always, and never three: something has to be able to make progress.
    let most_engines = if rng.u8(..4) == 0 { 2 } else { 1 };
    let mut order = [true, false];
    if rng.bool() {
        order.reverse();
    }
    for engine in order {
        if (engine && engines >= most_engines) || (!engine && nodes >= MOST_NODES) {
            continue;
        }
        let is_free = |target| resolve(target, leader).is_some_and(|thing| !going.things.contains(&thing));
        if let Some(card) = deck.deal(engine, is_free)
            && let Some(thing) = resolve(card.target, leader)
        {
            going.things.insert(thing);
            going.begun += 1;
            return Some((card, thing));
        }
    }
    None
}

async fn suffer(
    load: &Load,
    going: &Mutex<Going>,
    card: Card,
    thing: Thing,
    mut rng: Rng,
    since: Instant,
) -> Hit {
    let began = Instant::now();
    let name = format!(
        "{} / {} / {}",
        card.target.name(),
        card.means.name(),
        card.phase.name()
    );
    eprintln!("{:>7.1} s  {name}", since.elapsed().as_secs_f64());
    if let Err(error) = carry_out(load, card, thing, &mut rng).await {
        load.findings.add(Kind::Process, format!("{name}: {error:#}"));
    }
    let lasted = began.elapsed();
    let alone = {
        let mut going = lock(going);
        going.things.remove(&thing);
        going.things.is_empty()
    };
    let before = begun(going);
    let recovered = recovery(load).await;
    Hit {
        card,
        began: began - since,
        lasted,
        recovered,
        undisturbed: alone && begun(going) == before,
    }
}

fn begun(going: &Mutex<Going>) -> usize {
    lock(going).begun
}

fn lock(going: &Mutex<Going>) -> std::sync::MutexGuard<'_, Going> {
    going.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A signal that something ends, and its listeners.
pub(crate) fn ending() -> (watch::Sender<bool>, watch::Receiver<bool>) {
    watch::channel(false)
}
