//! What the oracle says.

use std::time::{Duration, Instant};

use taskwire_oracle::{Findings, System};

/// How long a system may take until it is at rest: a killed member of a consumer group is missed after ten seconds, and
/// several cases share the machine.
const REST: Duration = Duration::from_secs(60);

/// Lets the system come to rest and compares; what differs, and that it does not come to rest, in words.
pub(crate) async fn judge(system: &System) -> (Findings, Vec<String>) {
    judge_within(system, REST).await
}

/// As [`judge`], for a scenario in which it may never come to rest.
pub(crate) async fn judge_within(system: &System, limit: Duration) -> (Findings, Vec<String>) {
    let restless = system.settle(limit).await.err();
    let findings = system.compare().await.expect("the engines answer");
    let restless = restless.map(|error| format!("{error:#}"));
    let found = restless.into_iter().chain(findings.differences.clone()).collect();
    (findings, found)
}

/// Gives a condition this long to come true, which is what a mutation needs and what nobody else may do; whether it has.
pub(crate) async fn comes_true<F>(limit: Duration, condition: impl Fn() -> F) -> bool
where
    F: Future<Output = bool>,
{
    let began = Instant::now();
    while began.elapsed() < limit {
        if condition().await {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    false
}
