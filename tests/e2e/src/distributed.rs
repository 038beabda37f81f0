//! The service as programs on engines: one of each.

use std::collections::BTreeMap;

use serde_json::Value;
use taskwire_testkit::Process;

use crate::contract::Family;
use crate::{Api, Deployment, RestServer, Restartable};

/// A private part of every engine, a `rest-server` and a `search-indexer`.
pub struct Distributed {
    server: RestServer,
    _indexer: Process,
    deployment: Deployment,
}

impl Family for Distributed {
    async fn start() -> Self {
        let deployment = Deployment::new().await;
        let (server, indexer) = (deployment.start_rest().await, deployment.start_indexer());
        indexer.logged("partitions assigned").await;
        Self {
            server,
            _indexer: indexer,
            deployment,
        }
    }

    fn api(&self) -> &Api {
        &self.server.api
    }

    fn process(&self) -> u32 {
        self.server.process.id()
    }

    /// Row by row; and nothing was announced twice or without need.
    async fn check_equality(&self) {
        let findings = self.deployment.assert_equal().await;
        assert_eq!(findings.duplicates, 0, "each version is announced once");
        let parked = self.deployment.system().dead_letters().await;
        let parked = parked.expect("the engines answer");
        assert!(parked.is_empty(), "nothing is parked: {parked:?}");
    }
}

impl Restartable for Distributed {
    async fn kill(&mut self) {
        self.server.process.kill().await;
    }

    async fn start_again(&mut self) {
        self.server = self.deployment.restart_rest(&self.server).await;
    }

    /// An event may stand in the topic twice: a relay that was killed cannot know what the broker took.
    async fn check_only(&self, tasks: &BTreeMap<String, Value>) {
        let findings = self.deployment.assert_equal().await;
        let announced = findings.events - findings.duplicates;
        assert_eq!(announced, tasks.len(), "each creation is one event: {findings:?}");
        let rows = self.deployment.system().tasks().await;
        assert_eq!(&rows.expect("the database answers"), tasks);
    }
}
