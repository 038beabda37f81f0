//! Whether this process can serve, and how well: what a probe or a balancer asks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use serde::Serialize;
use taskwire_domain::{Chain, Dependency};
use tokio::sync::Mutex;
use tokio::time::Instant;

/// An optional dependency that has not answered by then counts as away.
const OPTIONAL_TIME: Duration = Duration::from_secs(1);

/// A required one is given as long as a request waits for it, so that readiness does not fail while requests succeed.
const REQUIRED_TIME: Duration = Duration::from_secs(3);

/// How long a report is good for. Any number of probes within it cost one check.
const REPORT_LIFETIME: Duration = Duration::from_secs(1);

/// How well the process can serve, as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Overall {
    /// Everything is there.
    Ok,
    /// Something that not every request needs is away, or something answers and is to be doubted.
    Degraded,
    /// Something that every request needs is away.
    Unavailable,
}

/// Whether one dependency is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "status")]
enum Check {
    Ok,
    /// It answers, but this is wrong with it.
    Degraded {
        detail: &'static str,
    },
    Unavailable,
}

/// What was found; why something is away is for the log alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Report {
    /// The whole.
    pub(crate) status: Overall,
    checks: BTreeMap<&'static str, Check>,
}

/// Asks the dependencies whether they are there.
pub struct Readiness {
    required: Vec<Arc<dyn Dependency>>,
    optional: Vec<Arc<dyn Dependency>>,
    /// The last report and its age. The lock is held while a new one is made, so that those who ask meanwhile
    /// wait for it instead of asking again themselves.
    last: Mutex<Option<(Instant, Report)>>,
}

impl Readiness {
    /// The process is ready exactly when all `required` answer; without one of `optional` it is degraded.
    pub fn new(required: Vec<Arc<dyn Dependency>>, optional: Vec<Arc<dyn Dependency>>) -> Self {
        Self {
            required,
            optional,
            last: Mutex::new(None),
        }
    }

    /// A report at most a second old.
    pub(crate) async fn report(&self) -> Report {
        let mut last = self.last.lock().await;
        if let Some((made, report)) = &*last
            && made.elapsed() < REPORT_LIFETIME
        {
            return report.clone();
        }
        let before = last.as_ref().map(|(_, report)| &report.checks);
        let report = self.check(before).await;
        *last = Some((Instant::now(), report.clone()));
        report
    }

    async fn check(&self, before: Option<&BTreeMap<&'static str, Check>>) -> Report {
        let required = self.required.iter().map(|dependency| (dependency, REQUIRED_TIME));
        let optional = self.optional.iter().map(|dependency| (dependency, OPTIONAL_TIME));
        let checks: BTreeMap<_, _> =
            join_all(required.chain(optional).map(|(dependency, limit)| async move {
                let known = before.and_then(|checks| checks.get(dependency.name()));
                (dependency.name(), ask(dependency.as_ref(), limit, known).await)
            }))
            .await
            .into_iter()
            .collect();
        let is_away = |dependency: &Arc<dyn Dependency>| {
            checks
                .get(dependency.name())
                .is_none_or(|check| *check == Check::Unavailable)
        };
        let status = if self.required.iter().any(is_away) {
            Overall::Unavailable
        } else if checks.values().any(|check| *check != Check::Ok) {
            Overall::Degraded
        } else {
            Overall::Ok
        };
        Report { status, checks }
    }
}

/// Asks one dependency. A change is worth a log line, an unchanged absence is not.
async fn ask(dependency: &dyn Dependency, limit: Duration, before: Option<&Check>) -> Check {
    let name = dependency.name();
    let fault = match tokio::time::timeout(limit, dependency.check()).await {
        Ok(Ok(())) => {
            if before == Some(&Check::Unavailable) {
                tracing::info!(dependency = name, "dependency is back");
            }
            // Whoever doubts has said why in the log.
            return dependency
                .doubt()
                .map_or(Check::Ok, |detail| Check::Degraded { detail });
        }
        Ok(Err(unreachable)) => Chain(&unreachable).to_string(),
        Err(_) => format!("no answer within {} ms", limit.as_millis()),
    };
    if before == Some(&Check::Unavailable) {
        tracing::debug!(dependency = name, error = fault, "dependency is still away");
    } else {
        tracing::warn!(dependency = name, error = fault, "dependency is away");
    }
    Check::Unavailable
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Behaviour, FakeDependency};

    fn dependency(name: &'static str, behaviour: Behaviour) -> Arc<FakeDependency> {
        Arc::new(FakeDependency::new(name, behaviour))
    }

    #[tokio::test(start_paused = true)]
    async fn checks_run_side_by_side_under_one_time_limit() {
        let hanging: Vec<Arc<dyn Dependency>> = vec![
            dependency("a", Behaviour::Hangs),
            dependency("b", Behaviour::Hangs),
            dependency("c", Behaviour::Hangs),
        ];
        let began = Instant::now();
        let report = Readiness::new(hanging, Vec::new()).report().await;
        assert_eq!(report.status, Overall::Unavailable);
        assert!(
            began.elapsed() < REQUIRED_TIME + Duration::from_millis(100),
            "{:?}",
            began.elapsed()
        );
    }

    /// Answers, and is to be doubted.
    struct Doubtful(&'static str);

    #[async_trait::async_trait]
    impl Dependency for Doubtful {
        fn name(&self) -> &'static str {
            self.0
        }

        async fn check(&self) -> Result<(), taskwire_domain::Unreachable> {
            Ok(())
        }

        fn doubt(&self) -> Option<&'static str> {
            Some("out of step")
        }
    }

    #[tokio::test]
    async fn a_doubt_is_said_and_degrades_but_makes_nothing_unavailable() {
        let required = vec![Arc::new(Doubtful("a")) as Arc<dyn Dependency>];
        let optional = vec![Arc::new(Doubtful("b")) as Arc<dyn Dependency>];
        let report = Readiness::new(required, optional).report().await;
        let doubted = serde_json::json!({"status": "degraded", "detail": "out of step"});
        let wanted = serde_json::json!({"status": "degraded", "checks": {"a": doubted, "b": doubted}});
        assert_eq!(serde_json::to_value(report).unwrap(), wanted);
    }

    #[tokio::test(start_paused = true)]
    async fn a_storm_of_probes_costs_one_check_a_second() {
        let asked = dependency("postgresql", Behaviour::Hangs);
        let readiness = Readiness::new(vec![Arc::clone(&asked) as Arc<dyn Dependency>], Vec::new());
        join_all((0..100).map(|_| readiness.report())).await;
        assert_eq!(asked.times_asked(), 1);
        tokio::time::advance(REPORT_LIFETIME).await;
        asked.now(Behaviour::Answers);
        assert_eq!(readiness.report().await.status, Overall::Ok);
        assert_eq!(asked.times_asked(), 2);
    }
}
