//! What becomes of operations on a real index.

mod support;

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use support::{Fixture, client, id, index_settings, live, plain, raw, task, tombstone};
use taskwire_domain::{Document, IndexFault, IndexOperation, ItemOutcome, TaskIndex};
use taskwire_elasticsearch::{ElasticsearchIndex, IndexSettings};
use taskwire_testkit::Proxy;

fn is_rejected(outcome: &ItemOutcome) -> bool {
    matches!(outcome, ItemOutcome::Rejected { detail } if !detail.is_empty())
}

#[tokio::test]
async fn a_document_is_the_event_with_the_derived_fields() {
    let fixture = Fixture::create().await;
    let task = task(1, "buy milk");
    assert_eq!(
        fixture.index.apply(&[live(&task)]).await.unwrap(),
        [ItemOutcome::Done]
    );
    let document = fixture.document(id(1)).await;
    let mut wanted = serde_json::to_value(&task).unwrap();
    wanted["deleted"] = json!(false);
    wanted["priorityRank"] = json!(0);
    assert_eq!(
        (&document["_source"], &document["_version"]),
        (&wanted, &json!(1))
    );
}

#[tokio::test]
async fn a_tombstone_is_a_document_of_four_fields() {
    let fixture = Fixture::create().await;
    fixture.index.apply(&[tombstone(1, 3)]).await.unwrap();
    let wanted =
        json!({ "id": id(1), "version": 3, "deleted": true, "deletedAt": "2026-06-01T00:00:00.000Z" });
    assert_eq!(fixture.document(id(1)).await["_source"], wanted);
}

#[tokio::test]
async fn poison_is_rejected_alone_wherever_it_stands() {
    let fixture = Fixture::create().await;
    let source = |text: &'static str| Document::Live {
        source: text.into(),
        priority_rank: 0,
    };
    let hand_made = |n, text| IndexOperation {
        document: source(text),
        ..plain(n, 1)
    };
    let operations = [
        raw(1, 1, &json!({ "createdAt": "yesterday" })),
        plain(2, 1),
        hand_made(3, "{}"),
        plain(4, 1),
        hand_made(5, r#"{"deleted":true}"#),
        hand_made(6, r#"{"a":"#),
        hand_made(7, r#"{"a":]}"#),
        plain(8, 1),
        raw(9, 1, &json!({ "description": { "not": "text" } })),
        // Half a character, which the server may have to quote in its refusal.
        hand_made(10, r#"{"createdAt":"\ud800"}"#),
    ];
    let outcomes = fixture.index.apply(&operations).await.unwrap();
    let rejected: Vec<_> = (1..)
        .zip(&outcomes)
        .filter(|(_, outcome)| is_rejected(outcome))
        .map(|(n, _)| n)
        .collect();
    assert_eq!(rejected, [1, 3, 5, 6, 7, 9, 10], "{outcomes:?}");
    let done = outcomes
        .iter()
        .filter(|outcome| **outcome == ItemOutcome::Done)
        .count();
    assert_eq!(done, 3);
}

#[tokio::test]
async fn an_event_with_newlines_writes_one_document_and_no_other() {
    let fixture = Fixture::create().await;
    let smuggled = "{\"a\":1,\n\"b\":2\n}\n{\"index\":{\"_id\":\"smuggled\"}}\n{\"c\":3}";
    let document = Document::Live {
        source: smuggled.into(),
        priority_rank: 0,
    };
    let outcomes = fixture
        .index
        .apply(&[
            IndexOperation {
                document,
                ..plain(1, 1)
            },
            plain(2, 1),
        ])
        .await
        .unwrap();
    assert!(is_rejected(&outcomes[0]), "{outcomes:?}");
    assert_eq!(outcomes[1], ItemOutcome::Done);
    let document = Document::Live {
        source: "{\n\"description\":\n\"pretty\"\n}".into(),
        priority_rank: 0,
    };
    let outcomes = fixture
        .index
        .apply(&[IndexOperation {
            document,
            ..plain(1, 1)
        }])
        .await
        .unwrap();
    assert_eq!(outcomes, [ItemOutcome::Done]);
    fixture.refresh().await;
    let count = fixture
        .server
        .request(Method::GET, &format!("/{}/_count", fixture.generation.name), None)
        .await;
    assert_eq!(count["count"], 2);
}

#[tokio::test]
async fn outcomes_stand_in_the_order_of_a_thousand_operations_sent_in_many_requests() {
    let fixture = Fixture::create().await;
    let settings = IndexSettings {
        bulk_bytes: 16 * 1024,
        ..index_settings()
    };
    let index = ElasticsearchIndex::new(fixture.client.clone(), &fixture.generation, &settings);
    let poison = |n: u32| n % 7 == 3;
    let operation = |n| {
        if poison(n) {
            raw(n, 1, &json!({ "createdAt": n.to_string() + "!" }))
        } else {
            plain(n, 1)
        }
    };
    let operations: Vec<_> = (0..1_000).map(operation).collect();
    let outcomes = index.apply(&operations).await.unwrap();
    assert_eq!(outcomes.len(), 1_000);
    for (n, outcome) in (0..).zip(&outcomes) {
        assert_eq!(is_rejected(outcome), poison(n), "{n}: {outcome:?}");
        assert_eq!(*outcome == ItemOutcome::Done, !poison(n), "{n}: {outcome:?}");
    }
    fixture.refresh().await;
    let count = fixture
        .server
        .request(Method::GET, &format!("/{}/_count", fixture.generation.name), None)
        .await;
    assert_eq!(count["count"], (0..1_000).filter(|&n| !poison(n)).count());
}

#[tokio::test]
async fn a_missing_index_halts_and_nothing_is_created_by_accident() {
    let fixture = Fixture::create().await;
    fixture
        .server
        .request(Method::DELETE, &format!("/{}", fixture.generation.name), None)
        .await;
    let fault = fixture.index.apply(&[plain(1, 1)]).await.unwrap_err();
    assert!(
        matches!(&fault, IndexFault::Halt { detail, .. } if detail.contains("is gone; restart search-indexer")),
        "{fault:?}"
    );
    assert!(fixture.server.generations().await.is_empty());
}

#[tokio::test]
async fn a_second_index_behind_the_write_alias_halts_instead_of_parking_everything() {
    let fixture = Fixture::create().await;
    let aliases = json!({ "aliases": { fixture.generation.write_alias.as_str(): {} } });
    fixture
        .server
        .request(Method::PUT, &format!("/{}-second", fixture.name), Some(aliases))
        .await;
    let fault = fixture.index.apply(&[plain(1, 1)]).await.unwrap_err();
    assert!(
        matches!(&fault, IndexFault::Halt { detail, .. } if detail.contains("several indices")),
        "{fault:?}"
    );
}

#[tokio::test]
async fn a_full_disk_and_a_closed_door_are_waited_out() {
    let fixture = Fixture::create().await;
    for block in [
        "index.blocks.read_only_allow_delete",
        "index.blocks.write",
        "index.blocks.read_only",
    ] {
        fixture.put_settings(json!({ block: true })).await;
        let outcomes = fixture
            .index
            .apply(&[plain(1, 1), tombstone(2, 1)])
            .await
            .unwrap();
        assert!(
            outcomes
                .iter()
                .all(|outcome| matches!(outcome, ItemOutcome::Retry { .. })),
            "{block}: {outcomes:?}"
        );
        fixture.put_settings(json!({ block: null })).await;
    }
    let outcomes = fixture
        .index
        .apply(&[plain(1, 1), tombstone(2, 1)])
        .await
        .unwrap();
    assert_eq!(outcomes, [ItemOutcome::Done, ItemOutcome::Done]);
}

#[tokio::test]
async fn what_is_wrong_with_the_index_halts_with_what_to_do_and_parks_nothing() {
    let fixture = Fixture::create().await;
    let name = &fixture.generation.name;
    let halted = async || match fixture.index.apply(&[plain(1, 1), plain(2, 1)]).await {
        Err(IndexFault::Halt { detail, .. }) => detail,
        other => panic!("expected a halt, got {other:?}"),
    };
    let request = async |path: String| {
        fixture.server.request(Method::POST, &path, None).await;
    };
    for setting in ["index.default_pipeline", "index.final_pipeline"] {
        fixture.put_settings(json!({ setting: "nobody" })).await;
        let sentence = halted().await;
        assert!(
            sentence.contains("ingest pipeline that does not exist"),
            "{sentence}"
        );
        fixture.put_settings(json!({ setting: null })).await;
    }

    request(format!("/{name}/_close")).await;
    let sentence = halted().await;
    assert!(sentence.contains("is closed: open it"), "{sentence}");
    request(format!("/{name}/_open")).await;

    let alias = format!("/{name}/_alias/{}", fixture.generation.write_alias);
    fixture.server.request(Method::DELETE, &alias, None).await;
    let sentence = halted().await;
    assert!(
        sentence.contains("what to repair if only the alias is missing"),
        "{sentence}"
    );
    fixture.server.request(Method::PUT, &alias, None).await;
    let outcomes = fixture.index.apply(&[plain(1, 1)]).await.unwrap();
    assert_eq!(outcomes, [ItemOutcome::Done]);
}

#[tokio::test]
async fn a_batch_whose_answer_was_lost_can_be_sent_again_without_harm() {
    let fixture = Fixture::create().await;
    let proxy = Proxy::in_front_of(fixture.server.url()).await;
    let settings = IndexSettings {
        write_limit_ms: 1_000,
        ..index_settings()
    };
    let index = ElasticsearchIndex::new(client(proxy.url()), &fixture.generation, &settings);
    let batch = [plain(1, 1), tombstone(2, 3), plain(3, 1)];

    // As with a server that is stopped while it answers.
    proxy.hold_answers();
    let fault = index.apply(&batch).await;
    assert!(matches!(fault, Err(IndexFault::Retry { .. })), "{fault:?}");
    // It was applied all the same, and a newer version comes before the repetition.
    let path = format!("/{}/_mget", fixture.generation.name);
    let stored = || {
        fixture
            .server
            .request(Method::POST, &path, Some(json!({ "ids": [id(2)] })))
    };
    let applied = async { while stored().await["docs"][0]["_version"] != 3 {} };
    tokio::time::timeout(Duration::from_secs(30), applied)
        .await
        .unwrap();
    fixture.index.apply(&[tombstone(1, 2)]).await.unwrap();

    proxy.resume();
    assert_eq!(index.apply(&batch).await.unwrap(), vec![ItemOutcome::Done; 3]);
    let versions = [1, 2, 3].map(|n| fixture.document(id(n)));
    let mut seen = Vec::new();
    for version in versions {
        seen.push(version.await["_version"].clone());
    }
    assert_eq!(seen, [json!(2), json!(3), json!(1)]);
}
