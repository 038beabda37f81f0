//! Searches on `rest-server` and `search-indexer`, with the real engines: they include the writes that they say, and withstand what nobody means well with.

use taskwire_e2e::contract::Family;
use taskwire_e2e::{Distributed, check_hostile_searches, check_own_writes};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_includes_the_write_before_it_or_says_that_it_does_not() {
    let service = <Distributed as Family>::start().await;
    println!("{:?}", check_own_writes(service.api(), 2_000).await);
    service.check_equality().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_searches_are_answered_and_the_service_lives() {
    let service = <Distributed as Family>::start().await;
    println!("{:?}", check_hostile_searches(service.api()).await);
    service.check_equality().await;
}
