//! Which views of the index are open for walks of this process.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

use crate::WalkSettings;
use crate::point_in_time::KnownDialect;

/// The walks of this process: what they go on in, and what is done for them with nobody waiting.
#[derive(Debug)]
pub(crate) struct Walks {
    /// For how long the server keeps a view that nobody uses.
    idle: Duration,
    at_most: usize,
    open: Mutex<HashMap<Uuid, Kept>>,
    background: Mutex<JoinSet<()>>,
    pub(crate) dialect: KnownDialect,
}

/// A view by the id that the server gave it last.
#[derive(Debug)]
struct Kept {
    id: String,
    used: Instant,
}

impl Walks {
    pub(crate) fn new(settings: &WalkSettings) -> Self {
        Self {
            idle: settings.cursor_idle(),
            at_most: settings.cursors.into(),
            open: Mutex::default(),
            background: Mutex::default(),
            dialect: KnownDialect::default(),
        }
    }

    /// As the server reads it.
    pub(crate) fn keep_alive(&self) -> String {
        format!("{}ms", self.idle.as_millis())
    }

    fn open(&self) -> MutexGuard<'_, HashMap<Uuid, Kept>> {
        // No code panics while it holds the lock.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that this view was used now. Of more than may be open, the one that was not used for longest is no longer
    /// noted: its id is returned, to be closed.
    pub(crate) fn note(&self, view: Uuid, id: String) -> Option<String> {
        let used = Instant::now();
        let mut open = self.open();
        // Those that were idle for too long are among them: the server ends such once a minute, and till then they count.
        open.insert(view, Kept { id, used });
        if open.len() <= self.at_most {
            return None;
        }
        let unused_longest = open.iter().min_by_key(|(_, kept)| kept.used);
        let unused_longest = unused_longest.map(|(view, _)| *view)?;
        open.remove(&unused_longest).map(|kept| kept.id)
    }

    /// The view is closed, or gone.
    pub(crate) fn forget(&self, view: Uuid) {
        self.open().remove(&view);
    }

    /// Does it with nobody waiting. What is not done when the program ends is left undone.
    pub(crate) fn in_background(&self, work: impl Future<Output = ()> + Send + 'static) {
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let mut background = self.background.lock().unwrap_or_else(PoisonError::into_inner);
        while background.try_join_next().is_some() {}
        background.spawn_on(work, &runtime);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walks() -> Walks {
        Walks::new(&WalkSettings {
            cursor_idle_ms: 60_000,
            cursors: 2,
        })
    }

    #[tokio::test(start_paused = true)]
    async fn of_too_many_views_the_one_unused_longest_is_to_be_closed() {
        let walks = walks();
        let [one, two, three] = [1, 2, 3].map(Uuid::from_u128);
        let second = Duration::from_secs(1);
        for (view, id) in [(one, "one"), (two, "two"), (one, "renamed")] {
            assert_eq!(walks.note(view, id.into()), None);
            tokio::time::sleep(second).await;
        }
        assert_eq!(walks.note(three, "three".into()), Some("two".into()));
        tokio::time::sleep(second).await;
        assert_eq!(walks.note(two, "two".into()), Some("renamed".into()));
        walks.forget(two);
        assert_eq!(walks.note(one, "one".into()), None);
        // By then they are idle for too long, but not sure to be closed.
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(walks.note(two, "two".into()), Some("three".into()));
        assert_eq!(walks.note(three, "three".into()), Some("one".into()));
    }

    #[tokio::test]
    async fn what_is_done_in_the_background_is_not_remembered_for_ever() {
        let walks = walks();
        for _ in 0..1_000 {
            walks.in_background(async {});
            tokio::task::yield_now().await;
        }
        assert!(walks.background.lock().unwrap().len() < 10);
    }
}
