//! Searches on `rest-server` and `search-indexer`, with the real engines: they include the writes that they say, and withstand what nobody means well with.

use reqwest::Method;
use serde_json::json;
use taskwire_e2e::contract::Family;
use taskwire_e2e::{Deployment, Distributed, check_hostile_searches, check_own_writes};

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

/// Which language the index was made with, `search-indexer` alone is told. The stems are made in a way that every search
/// server has: `run2go` has the stem `run`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_that_has_stems_is_searched_by_them_although_rest_server_was_told_nothing() {
    let deployment = Deployment::new().await;
    let server = deployment.start_rest().await;
    let indexer = deployment.start_indexer();
    indexer.logged("partitions assigned").await;
    let generation = deployment.index.generations().await.remove(0);
    let stems = json!({"properties": {"description": {
        "type": "text",
        "analyzer": "words",
        "index_prefixes": {"min_chars": 1, "max_chars": 5},
        "fields": {"stems": {"type": "text", "analyzer": "simple"}},
    }}});
    let mapping = format!("/{generation}/_mapping");
    deployment.index.request(Method::PUT, &mapping, Some(stems)).await;

    let task = json!({"description": "run2go"});
    let created = server
        .api
        .call(Method::POST, "/tasks", Some(&task))
        .await
        .unwrap();
    let token = created.header("x-consistency-token");
    let search = json!({"description": "run ", "after": token, "timeout": "5s", "strict": true});
    let found = server
        .api
        .call(Method::POST, "/tasks/search", Some(&search))
        .await
        .unwrap();
    assert_eq!(found.body["total"], 1, "{found:?}");
}
