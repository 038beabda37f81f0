//! Whether the daemon reads: it has joined its group and been given partitions.

use std::sync::OnceLock;

use async_trait::async_trait;
use taskwire_domain::{Dependency, Unreachable};
use taskwire_kafka::LagSnapshot;

/// The daemon's share of the topic, as the health report sees it. It is away while the daemon prepares or waits for
/// its group, and for good when there are more daemons than partitions.
#[derive(Default)]
pub(crate) struct Assignment(OnceLock<LagSnapshot>);

impl Assignment {
    /// Looks at this source's partitions from now on; only the first call counts.
    pub(crate) fn follow(&self, lag: LagSnapshot) {
        self.0.get_or_init(|| lag);
    }
}

#[async_trait]
impl Dependency for Assignment {
    fn name(&self) -> &'static str {
        "assignment"
    }

    async fn check(&self) -> Result<(), Unreachable> {
        match self.0.get() {
            Some(lag) if !lag.partitions().is_empty() => Ok(()),
            _ => Err(Unreachable {
                dependency: self.name(),
                cause: "no partition is assigned to this process".into(),
            }),
        }
    }
}
