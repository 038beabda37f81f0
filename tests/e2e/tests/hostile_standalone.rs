//! Hostile input to the service in one process.

use taskwire_e2e::hostile::withstands_it_all;
use taskwire_e2e::{Place, Standalone};

/// glibc gives each thread a heap of its own, and one that has ever indexed a batch of tasks stays large. How many threads
/// do is chance, and would hide what is measured: so there is one heap for all of them.
const ONE_HEAP: &str = r#"MALLOC_ARENA_MAX=1 exec "$0""#;

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_sent_is_answered_rightly_and_nothing_is_kept() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let place = Place {
        through: Some(ONE_HEAP.to_owned()),
        ..Place::folder(folder.path())
    };
    let service = Standalone::start_in(place).await;
    service.ready().await;
    eprintln!("{}", withstands_it_all(service).await);
}
