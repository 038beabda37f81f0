//! Views of the index that walks go on in.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

/// For how long a view is kept that nobody uses.
pub(crate) const IDLE: Duration = Duration::from_secs(60);

/// The most views that are kept. Each holds the files that the index had with it.
pub(crate) const MOST: usize = 32;

/// Views by a random name. One that is not used for [`IDLE`] is dropped, whether anybody asks or not; of more than [`MOST`]
/// the one that was not used for longest.
pub(crate) struct Views<V> {
    kept: Arc<Mutex<HashMap<Uuid, Kept<V>>>>,
}

struct Kept<V> {
    view: V,
    used: Instant,
    /// Drops it when its time has come; ends with it.
    _expiry: JoinSet<()>,
}

impl<V> Default for Views<V> {
    fn default() -> Self {
        Self { kept: Arc::default() }
    }
}

impl<V: Clone + Send + 'static> Views<V> {
    /// Keeps a view, and says under which name.
    pub(crate) fn keep(&self, view: V) -> Uuid {
        let name = Uuid::new_v4();
        let mut expiry = JoinSet::new();
        expiry.spawn(expire(Arc::downgrade(&self.kept), name));
        let kept = Kept {
            view,
            used: Instant::now(),
            _expiry: expiry,
        };
        let mut all = lock(&self.kept);
        all.insert(name, kept);
        if all.len() > MOST {
            let unused_longest = all.iter().min_by_key(|(_, kept)| kept.used);
            if let Some(name) = unused_longest.map(|(name, _)| *name) {
                all.remove(&name);
            }
        }
        name
    }

    /// The view of this name, used now.
    pub(crate) fn get(&self, name: Uuid) -> Option<V> {
        let mut all = lock(&self.kept);
        let kept = all.get_mut(&name)?;
        kept.used = Instant::now();
        Some(kept.view.clone())
    }

    /// Keeps it no longer.
    pub(crate) fn forget(&self, name: Uuid) {
        lock(&self.kept).remove(&name);
    }

    /// Keeps none of them any longer.
    pub(crate) fn forget_all(&self) {
        lock(&self.kept).clear();
    }
}

fn lock<V>(kept: &Mutex<HashMap<Uuid, Kept<V>>>) -> MutexGuard<'_, HashMap<Uuid, Kept<V>>> {
    // No code panics while it holds the lock.
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until nobody has used the view for [`IDLE`], and drops it.
async fn expire<V>(kept: Weak<Mutex<HashMap<Uuid, Kept<V>>>>, name: Uuid) {
    let mut at = Instant::now() + IDLE;
    loop {
        tokio::time::sleep_until(at).await;
        let Some(kept) = kept.upgrade() else { return };
        let mut all = lock(&kept);
        let Some(view) = all.get(&name) else { return };
        at = view.used + IDLE;
        if at <= Instant::now() {
            all.remove(&name);
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Says whether it is still there.
    type Seen = Arc<()>;

    fn is_there(view: &Weak<()>) -> bool {
        view.upgrade().is_some()
    }

    #[tokio::test(start_paused = true)]
    async fn a_view_that_nobody_uses_is_dropped_although_nobody_asks() {
        let views = Views::<Seen>::default();
        let [used, unused] = [Seen::new(()), Seen::new(())];
        let watched = [Arc::downgrade(&used), Arc::downgrade(&unused)];
        let name = views.keep(used);
        views.keep(unused);
        tokio::time::sleep(IDLE / 2).await;
        assert!(views.get(name).is_some());
        tokio::time::sleep(IDLE * 3 / 4).await;
        assert_eq!(watched.each_ref().map(is_there), [true, false]);
        tokio::time::sleep(IDLE * 3 / 4).await;
        assert_eq!(watched.each_ref().map(is_there), [false, false]);
        assert!(views.get(name).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn of_too_many_views_the_one_unused_longest_is_dropped() {
        let views = Views::<Seen>::default();
        let mut names = Vec::new();
        for _ in 0..MOST {
            names.push(views.keep(Seen::default()));
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert!(views.get(names[0]).is_some());
        views.keep(Seen::default());
        let there: Vec<bool> = names.iter().map(|&name| views.get(name).is_some()).collect();
        let gone: Vec<usize> = (0..MOST).filter(|&n| !there[n]).collect();
        assert_eq!(gone, [1]);
    }

    #[tokio::test]
    async fn what_is_forgotten_is_dropped_at_once() {
        let views = Views::<Seen>::default();
        let [one, other] = [Seen::new(()), Seen::new(())];
        let watched = [Arc::downgrade(&one), Arc::downgrade(&other)];
        let name = views.keep(one);
        views.keep(other);
        views.forget(name);
        assert_eq!(watched.each_ref().map(is_there), [false, true]);
        views.forget_all();
        assert_eq!(watched.each_ref().map(is_there), [false, false]);
    }
}
