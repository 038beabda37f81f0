//! Hostile input to `rest-server`, with the real engines.

use taskwire_e2e::Distributed;
use taskwire_e2e::contract::Family;
use taskwire_e2e::hostile::withstands_it_all;

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_sent_is_answered_rightly_and_nothing_is_kept() {
    eprintln!("{}", withstands_it_all(Distributed::start().await).await);
}
