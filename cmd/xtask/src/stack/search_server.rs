//! One search server by itself: what the search is tried on besides the stack's own.

use std::fs;

use anyhow::{Context, Result, ensure};

use super::{
    account::{self, Account},
    elasticsearch::Elasticsearch,
    engine::{self, Engine},
    guard::Guard,
    java, maven, packages,
    ports::Ports,
    release::Release,
};
use crate::checkout::Checkout;

/// A server that runs.
pub(crate) struct Serving {
    /// What the programs read as `ELASTICSEARCH_URL`.
    pub(crate) url: String,
    /// As it says itself.
    pub(crate) version: String,
    /// The feature release of the Java that it runs on.
    pub(crate) java: u32,
}

/// Works with a new server of this release, which has a stack's folder to itself and is taken down again, whatever happens;
/// whatever an earlier run left of it goes first.
pub(crate) fn while_serving<T>(
    checkout: &Checkout,
    release: &Release,
    work: impl FnOnce(&Serving) -> Result<T>,
) -> Result<T> {
    // Elsewhere a server that was left behind could not be found again.
    ensure!(
        cfg!(target_os = "linux"),
        "search servers are started on Linux only"
    );
    let own = checkout.with_stack(&format!("target/search-engines/{}", release.label()));
    super::take_down(&own)?;
    let guard = Guard::post(&own)?;
    let outcome = serve(checkout, &own, release).and_then(|serving| work(&serving));
    let dismissed = guard.dismiss();
    let removed = super::take_down(&own);
    let outcome = outcome?;
    removed.and(dismissed)?;
    Ok(outcome)
}

fn serve(checkout: &Checkout, own: &Checkout, release: &Release) -> Result<Serving> {
    let account = Account::choose()?;
    let folder = account.engine_folder(own)?;
    let usual = account.engine_folder(&checkout.with_usual_stack())?;
    for place in [&folder, &usual].into_iter().filter(|place| !place.exists()) {
        account::claim(place)?;
    }
    let (dist, logs) = (usual.join("dist"), folder.join("logs"));
    for place in [&dist, &logs] {
        fs::create_dir_all(place).with_context(|| format!("cannot create {}", place.display()))?;
    }
    packages::install(&maven::missing().into_iter().collect::<Vec<_>>())?;
    let java = match java::find_among(&account, &release.java) {
        Some(java) => Some(java),
        None => {
            let missing = java::installable_among(&release.java);
            packages::install(&missing.into_iter().collect::<Vec<_>>())?;
            java::find_among(&account, &release.java)
        }
    };
    let java = java.with_context(|| format!("it needs {}: install one", wanted_java(release)))?;
    let home = release.fetch(&account, &dist)?;
    let (ports, runs_on) = (Ports::pick(&own.fingerprint(), false)?, java.release);
    let server = Elasticsearch::new(account, release.clone(), java, home, &folder, ports);
    engine::start(&[&server], &logs)?;
    Ok(Serving {
        url: Elasticsearch::url(server.port()),
        version: server.version()?,
        java: runs_on,
    })
}

fn wanted_java(release: &Release) -> String {
    match (release.java.start(), release.java.end()) {
        (least, &u32::MAX) => format!("Java {least} or newer"),
        (least, most) => format!("Java {least} to {most}"),
    }
}
