//! Requests that may be sent again.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::join_all;
use taskwire_domain::{
    AnsweredClaim, Clock as _, Conflict, Decision, Error, KEY_DAYS, KeyClaim, Once, Receipt,
    RememberedAnswer, SystemClock, Task, TaskRepository, Timestamp, Verdict,
};

use super::{Backend, code, create_below, pair, remove, stored};
use crate::tasks::{below, created, fields, keyed, new_task};
use crate::verdicts::{always, creation, judge, keyed_creation, verdict};

/// The answer to keep: neither empty nor text.
const ANSWER: &[u8] = &[0, 0xff, b'{', b'\\', 0];

fn claim(key: &str) -> KeyClaim {
    claim_at(key, SystemClock.now())
}

fn claim_at(key: &str, claimed_at: Timestamp) -> KeyClaim {
    KeyClaim {
        scope: "POST /tasks",
        key: key.to_owned(),
        fingerprint: [0xa5; 32],
        claimed_at,
    }
}

fn answered(claim: KeyClaim) -> AnsweredClaim {
    claim.answered(Bytes::from_static(ANSWER))
}

/// What a second request is told about the first.
fn remembered() -> RememberedAnswer {
    RememberedAnswer {
        fingerprint: [0xa5; 32],
        answer: Bytes::from_static(ANSWER),
    }
}

/// Another request than the one that is [`remembered`].
fn another(claim: KeyClaim) -> AnsweredClaim {
    let claim = KeyClaim {
        fingerprint: [1; 32],
        ..claim
    };
    claim.answered("another".into())
}

async fn create(tasks: &dyn TaskRepository, task: &Task, claim: &AnsweredClaim) -> Result<Once<()>, Error> {
    tasks.create_once(task, &created(task), claim).await
}

async fn first(tasks: &dyn TaskRepository, task: &Task, claim: &AnsweredClaim) {
    assert_eq!(create(tasks, task, claim).await.unwrap(), Once::First(()));
    assert_eq!(tasks.find(task.id).await.unwrap().as_ref(), Some(task));
}

async fn taken(tasks: &dyn TaskRepository, task: &Task, claim: KeyClaim) {
    let once = create(tasks, task, &another(claim)).await.unwrap();
    assert_eq!(once, Once::Taken(remembered()));
    assert_eq!(tasks.find(task.id).await.unwrap(), None);
}

/// The first under a key is stored; the next one leaves nothing and learns what was kept, byte for byte.
pub async fn a_key_is_honoured_once<B: Backend>() {
    let backend = B::start().await;
    let tasks = backend.repository();
    let (top, other) = (new_task(fields("top")), new_task(fields("other")));
    first(&*tasks, &top, &answered(claim("a"))).await;
    first(&*tasks, &below(&top), &answered(claim("b"))).await;
    for key in ["a", "b"] {
        taken(&*tasks, &other, claim(key)).await;
        taken(&*tasks, &below(&top), claim(key)).await;
    }
    assert_eq!(backend.outbox().await.len(), 2);
}

/// Neither another scope, nor case, nor a locale makes two keys one.
pub async fn keys_are_the_same_when_scope_and_every_character_are<B: Backend>() {
    let backend = B::start().await;
    let tasks = backend.repository();
    for key in ["key", "KEY", "key ", "kéy", "ke\u{301}y", "1", "01"] {
        first(&*tasks, &new_task(fields(key)), &answered(claim(key))).await;
    }
    let elsewhere = KeyClaim {
        scope: "POST /tasks/bulk",
        ..claim("key")
    };
    first(&*tasks, &new_task(fields("elsewhere")), &answered(elsewhere)).await;
}

/// A repetition is not refused for its own external id, nor for a parent that is gone by now.
pub async fn a_repetition_is_answered_whatever_happened_since<B: Backend>() {
    let backend = B::start().await;
    let tasks = backend.repository();
    first(&*tasks, &keyed("JIRA-17"), &answered(claim("named"))).await;
    taken(&*tasks, &keyed("JIRA-17"), claim("named")).await;

    let parent = stored(&*tasks).await;
    let child = below(&parent);
    first(&*tasks, &child, &answered(claim("below"))).await;
    remove(&*tasks, &child).await;
    remove(&*tasks, &parent).await;
    taken(&*tasks, &below(&parent), claim("below")).await;
}

/// Only what succeeded is remembered.
pub async fn a_refused_creation_leaves_its_key_free<B: Backend>() {
    let backend = B::start().await;
    let tasks = backend.repository();
    let owner = keyed("JIRA-17");
    tasks.create(&owner, &created(&owner)).await.unwrap();
    let error = create(&*tasks, &keyed("JIRA-17"), &another(claim("named"))).await;
    assert!(
        matches!(error, Err(Error::Conflict(Conflict::ExternalIdTaken))),
        "{error:?}"
    );
    let nobody = new_task(fields("nobody"));
    let error = create(&*tasks, &below(&nobody), &another(claim("below")))
        .await
        .unwrap_err();
    assert_eq!(code(&error), "unknown-parent");

    first(&*tasks, &keyed("JIRA-18"), &answered(claim("named"))).await;
    first(&*tasks, &below(&owner), &answered(claim("below"))).await;
    assert_eq!(backend.outbox().await.len(), 3);
}

/// A key is kept for a day. Then it gives way to the next claim, which is remembered in its place.
pub async fn a_key_gives_way_after_its_day_and_not_before<B: Backend>() {
    let backend = B::start().await;
    let tasks = backend.repository();
    let parent = stored(&*tasks).await;
    let now = SystemClock.now();
    let just_kept = now.plus_days(-KEY_DAYS);
    let expired = Timestamp::from_utc(just_kept.as_utc() - std::time::Duration::from_millis(1));
    for (key, task) in [("top", new_task(fields("top"))), ("below", below(&parent))] {
        let again = || Task {
            id: new_task(fields("new")).id,
            ..task.clone()
        };
        first(&*tasks, &again(), &answered(claim_at(key, just_kept))).await;
        taken(&*tasks, &again(), claim_at(key, now)).await;

        let key = format!("{key} expired");
        first(&*tasks, &again(), &another(claim_at(&key, expired))).await;
        first(&*tasks, &again(), &answered(claim_at(&key, now))).await;
        taken(&*tasks, &again(), claim_at(&key, now)).await;
    }
}

/// The oldest go first, no more than asked for, and none that is not old enough.
pub async fn keys_are_forgotten_from_a_given_age_on<B: Backend>() {
    let backend = B::start().await;
    let tasks = backend.repository();
    let now = SystemClock.now();
    for age in 0..5 {
        let claim = claim_at(&age.to_string(), now.plus_days(-age));
        first(&*tasks, &new_task(fields("old")), &answered(claim)).await;
    }
    let task = new_task(fields("new"));
    let before = now.plus_days(-1);
    assert_eq!(tasks.forget_claims(before, 2).await.unwrap(), 2);
    for kept in ["0", "1", "2"] {
        // As somebody with a slow clock sees them, for whom none has expired.
        taken(&*tasks, &task, claim_at(kept, now.plus_days(-4))).await;
    }
    assert_eq!(tasks.forget_claims(before, 100).await.unwrap(), 1);
    assert_eq!(tasks.forget_claims(before, 100).await.unwrap(), 0);
    taken(&*tasks, &task, claim_at("1", now.plus_days(-4))).await;
    for forgotten in ["2", "3", "4"] {
        let claim = claim_at(forgotten, now.plus_days(-4));
        first(&*tasks, &new_task(fields("again")), &answered(claim)).await;
    }
}

/// Twins at once, all with one key and one external id: one creates, and the others are told what it was told.
pub async fn of_twins_at_once_one_creates_and_all_get_its_answer<B: Backend>() {
    let backend = B::start().await;
    let repositories = pair(&backend).await;
    let parent = stored(&*repositories[0]).await;
    for round in 0..30 {
        let twin = |index: usize| {
            let mut task = keyed(&format!("JIRA-{round}"));
            task.fields.parent_id = (round % 2 == 1).then_some(parent.id);
            let claim = claim(&format!("key {round}")).answered(format!("{round} {index}").into());
            (task, claim)
        };
        let twins: Vec<_> = (0..8).map(twin).collect();
        let outcomes = join_all(twins.iter().enumerate().map(|(index, (task, claim))| {
            let tasks = &repositories[index % 2];
            async move { create(&**tasks, task, claim).await }
        }))
        .await;
        let winner = outcomes
            .iter()
            .position(|once| matches!(once, Ok(Once::First(()))));
        let winner = winner.unwrap_or_else(|| panic!("round {round}: {outcomes:?}"));
        for (index, once) in outcomes.into_iter().enumerate() {
            match once {
                Ok(Once::First(())) => assert_eq!(index, winner, "round {round}"),
                Ok(Once::Taken(told)) => assert_eq!(told.answer, twins[winner].1.answer, "round {round}"),
                Err(other) => panic!("round {round}: {other:?}"),
            }
        }
        assert_eq!(backend.outbox().await.len(), round + 2);
    }
}

/// Several find the same key expired: one of them has it.
pub async fn an_expired_key_gives_way_to_one<B: Backend>() {
    let backend = B::start().await;
    let repositories = pair(&backend).await;
    let now = SystemClock.now();
    for round in 0..10 {
        let key = round.to_string();
        let expired = another(claim_at(&key, now.plus_days(-2 * KEY_DAYS)));
        first(&*repositories[0], &new_task(fields("expired")), &expired).await;
        let outcomes = join_all((0..8).map(|index| {
            let tasks = &repositories[index % 2];
            let claim = answered(claim_at(&key, now));
            async move { create(&**tasks, &new_task(fields("new")), &claim).await.unwrap() }
        }))
        .await;
        let winners = outcomes.iter().filter(|once| **once == Once::First(())).count();
        assert_eq!(winners, 1, "round {round}: {outcomes:?}");
    }
    assert_eq!(backend.outbox().await.len(), 20);
}

type Decided = Result<Once<Vec<Result<Receipt, Error>>>, Error>;

fn assert_first(decided: &Decided) {
    assert!(matches!(decided, Ok(Once::First(_))), "{decided:?}");
}

fn assert_taken(decided: &Decided) {
    match decided {
        Ok(Once::Taken(told)) => assert_eq!(*told, remembered()),
        other => panic!("{other:?}"),
    }
}

/// The decision's verdict, with this answer.
fn with_answer(decision: Arc<dyn Decision>, answer: Option<&'static [u8]>) -> Arc<dyn Decision> {
    judge(decision.scope(), move |view| {
        Ok(Verdict {
            answer: answer.map(Bytes::from_static),
            ..decision.decide(view)?
        })
    })
}

/// The verdict's answer is kept with its changes, or without any, and the next one under the key decides nothing.
pub async fn a_decision_under_a_key_is_taken_once<B: Backend>() {
    let backend = B::start().await;
    let tasks = backend.repository();
    for (key, changes) in [("some", 3), ("none", 0)] {
        let created = (0..changes).map(|_| creation(&new_task(fields("new")))).collect();
        let decision = with_answer(always(created), Some(ANSWER));
        assert_first(&tasks.decide(decision, Some(&claim(key))).await);
        let again = judge(always(vec![]).scope(), |_| panic!("a repetition is not decided"));
        assert_taken(&tasks.decide(again, Some(&claim(key))).await);
        // It is the same key for a single creation.
        taken(&*tasks, &new_task(fields("single")), claim(key)).await;
    }
    assert_eq!(backend.outbox().await.len(), 3);
}

/// A refusal leaves the key free, and so does a verdict without an answer, which therefore may change nothing.
pub async fn a_decision_that_keeps_no_answer_leaves_its_key_free<B: Backend>() {
    let backend = B::start().await;
    let tasks = backend.repository();
    let refused = judge(always(vec![]).scope(), |_| {
        Err(Error::Conflict(Conflict::HasSubtasks))
    });
    let unanswered = with_answer(always(vec![]), None);
    let task = new_task(fields("new"));
    let careless = with_answer(always(vec![creation(&task)]), None);
    let decided = tasks.decide(refused, Some(&claim("key"))).await;
    assert!(
        matches!(decided, Err(Error::Conflict(Conflict::HasSubtasks))),
        "{decided:?}"
    );
    assert_first(&tasks.decide(unanswered, Some(&claim("key"))).await);
    let decided = tasks.decide(careless, Some(&claim("key"))).await;
    assert!(matches!(decided, Err(Error::Internal { .. })), "{decided:?}");
    assert_eq!(tasks.find(task.id).await.unwrap(), None);
    first(&*tasks, &task, &answered(claim("key"))).await;
    assert_eq!(backend.outbox().await.len(), 1);
}

/// Twins at once: one decides, and the others are told what it answered, though all would give the same external id.
pub async fn of_twins_at_once_one_decides_and_all_get_its_answer<B: Backend>() {
    let backend = B::start().await;
    let repositories = pair(&backend).await;
    for round in 0..15 {
        let key = claim(&round.to_string());
        let outcomes = join_all((0..6).map(|index| {
            let decision = keyed_creation(keyed(&format!("JIRA-{round}")));
            let (tasks, key) = (&repositories[index % 2], &key);
            async move { tasks.decide(with_answer(decision, Some(ANSWER)), Some(key)).await }
        }))
        .await;
        let firsts = outcomes
            .iter()
            .filter(|decided| matches!(decided, Ok(Once::First(_))))
            .count();
        assert_eq!(firsts, 1, "round {round}: {outcomes:?}");
        let others = outcomes
            .iter()
            .filter(|decided| !matches!(decided, Ok(Once::First(_))));
        others.for_each(assert_taken);
        assert_eq!(backend.outbox().await.len(), round + 1);
    }
}

/// Whoever first finds the key expired or free among single creations and decisions has it.
pub async fn a_creation_and_a_decision_share_their_keys<B: Backend>() {
    let backend = B::start().await;
    let [one, two] = pair(&backend).await;
    for round in 0..20 {
        let (single, many) = (new_task(fields("single")), new_task(fields("many")));
        let claim = claim(&round.to_string());
        let answered = answered(claim.clone());
        let decision = judge(always(vec![]).scope(), {
            let many = many.clone();
            move |_| {
                Ok(Verdict {
                    answer: Some(Bytes::from_static(ANSWER)),
                    ..verdict(vec![creation(&many)])
                })
            }
        });
        let both = tokio::join!(
            create(&*one, &single, &answered),
            two.decide(decision, Some(&claim))
        );
        match both {
            (Ok(Once::First(())), Ok(Once::Taken(told))) => assert_eq!(told, remembered()),
            (Ok(Once::Taken(told)), Ok(Once::First(_))) => assert_eq!(told, remembered()),
            other => panic!("round {round}: {other:?}"),
        }
        let single = one.find(single.id).await.unwrap();
        let many = one.find(many.id).await.unwrap();
        assert_eq!(single.is_some(), many.is_none(), "round {round}");
    }
    assert_eq!(backend.outbox().await.len(), 20);
}

/// A parent is found where it belongs also by a creation under a key.
pub async fn a_creation_under_a_key_keeps_the_rules_of_the_tree<B: Backend>() {
    let backend = B::start().await;
    let tasks = backend.repository();
    let chain = super::chain(&*tasks, 16).await;
    let error = create(&*tasks, &below(&chain[15]), &answered(claim("deep")))
        .await
        .unwrap_err();
    assert_eq!(code(&error), "too-deep");
    create_below(&*tasks, &chain[14]).await.unwrap();
    first(&*tasks, &below(&chain[14]), &answered(claim("deep"))).await;
}
