//! One generation, however many ask for it.

mod support;

use reqwest::Method;
use serde_json::json;
use support::{Fixture, client, index_settings};
use taskwire_domain::IndexFault;
use taskwire_elasticsearch::{IndexName, ensure_generation};
use taskwire_testkit::SearchIndex;
use tokio::task::JoinSet;

fn halt(result: Result<impl std::fmt::Debug, IndexFault>) -> String {
    match result {
        Err(IndexFault::Halt { detail, .. }) => detail,
        other => panic!("expected a halt, got {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_that_start_together_get_one_generation_and_one_group() {
    let server = SearchIndex::named();
    let mut callers = JoinSet::new();
    for _ in 0..8 {
        let (client, name) = (client(server.url()), server.name().parse::<IndexName>().unwrap());
        callers.spawn(async move {
            ensure_generation(&client, &name, &index_settings())
                .await
                .unwrap()
        });
    }
    let generations = callers.join_all().await;
    let first = &generations[0];
    assert!(
        generations.iter().all(|generation| generation == first),
        "{generations:?}"
    );
    assert_eq!(first.name, format!("{}-v1-000001", server.name()));
    assert_eq!(first.group.len(), 32);
    assert_eq!(server.generations().await, [first.name.as_str()]);
}

#[tokio::test]
async fn a_generation_is_found_again_and_a_new_one_has_a_new_group() {
    let fixture = Fixture::create().await;
    let again = ensure_generation(&fixture.client, &fixture.name, &index_settings())
        .await
        .unwrap();
    assert_eq!(again, fixture.generation);

    fixture
        .server
        .request(Method::DELETE, &format!("/{}", again.name), None)
        .await;
    let new = ensure_generation(&fixture.client, &fixture.name, &index_settings())
        .await
        .unwrap();
    assert_eq!(new.name, again.name);
    assert_ne!(new.group, again.group);
}

#[tokio::test]
async fn settings_reach_the_index() {
    let fixture = Fixture::create().await;
    let path = format!("/{}/_settings", fixture.generation.name);
    let answer = fixture.server.request(Method::GET, &path, None).await;
    let index = &answer[&fixture.generation.name]["settings"]["index"];
    assert_eq!(
        (&index["refresh_interval"], &index["number_of_replicas"]),
        (&json!("500ms"), &json!("0"))
    );
}

#[tokio::test]
async fn an_index_with_the_name_of_the_alias_is_refused() {
    let server = SearchIndex::named();
    server
        .request(Method::PUT, &format!("/{}", server.name()), None)
        .await;
    let name = server.name().parse().unwrap();
    let sentence = halt(ensure_generation(&client(server.url()), &name, &index_settings()).await);
    assert!(sentence.contains("is an index, not an alias"), "{sentence}");
}

#[tokio::test]
async fn two_indices_behind_the_alias_are_refused() {
    let fixture = Fixture::create().await;
    let path = format!("/{}-second", fixture.name);
    fixture
        .server
        .request(
            Method::PUT,
            &path,
            Some(json!({ "aliases": { fixture.name.as_str(): {} } })),
        )
        .await;
    let sentence = halt(ensure_generation(&fixture.client, &fixture.name, &index_settings()).await);
    assert!(sentence.contains("several indices"), "{sentence}");
}

#[tokio::test]
async fn an_index_that_lost_its_search_alias_is_not_replaced() {
    let fixture = Fixture::create().await;
    let path = format!("/{}/_alias/{}", fixture.generation.name, fixture.name);
    fixture.server.request(Method::DELETE, &path, None).await;
    let sentence = halt(ensure_generation(&fixture.client, &fixture.name, &index_settings()).await);
    assert!(sentence.contains("does not lead to it"), "{sentence}");
}
