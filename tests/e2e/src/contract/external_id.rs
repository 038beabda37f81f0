//! The caller's own key.

use futures::future::join_all;
use reqwest::Method;
use serde_json::json;

use super::unique;
use crate::Api;

rules!("external_id":
    a_key_that_another_task_has_is_409,
    a_key_that_is_given_up_can_be_taken,
    keys_are_compared_as_they_stand,
    of_twins_at_once_a_single_one_gets_the_key,
);

async fn a_key_that_another_task_has_is_409(api: Api) {
    let key = unique();
    api.create(&json!({"description": unique(), "externalId": key}))
        .await;
    let other = api.described(&unique()).await;
    let taken = json!({"description": unique(), "externalId": key});
    let created = api.tell(Method::POST, "/tasks", &[], &taken).await;
    created.assert_problem(409, "external-id-taken");
    let replaced = api.replace(&other, &taken).await;
    replaced.assert_problem(409, "external-id-taken");
    assert_eq!(api.read(&other).await.task(), &other);
}

async fn a_key_that_is_given_up_can_be_taken(api: Api) {
    let fields = json!({"description": unique(), "externalId": unique()});
    let first = api.create(&fields).await;
    api.replace(&first, &json!({"description": unique()})).await;
    let second = api.create(&fields).await;
    api.delete(&second).await;
    api.create(&fields).await;
}

async fn keys_are_compared_as_they_stand(api: Api) {
    let key = unique();
    for key in [
        key.to_uppercase(),
        format!("{key} "),
        format!("{key}e\u{301}"),
        format!("{key}é"),
        key,
    ] {
        let task = api
            .create(&json!({"description": unique(), "externalId": key}))
            .await;
        assert_eq!(task["externalId"], key);
    }
}

async fn of_twins_at_once_a_single_one_gets_the_key(api: Api) {
    let fields = json!({"description": unique(), "externalId": unique()});
    let twins = join_all((0..16).map(|_| api.tell(Method::POST, "/tasks", &[], &fields))).await;
    let created = twins.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(created, 1);
    for refused in twins.iter().filter(|answer| answer.status != 201) {
        refused.assert_problem(409, "external-id-taken");
    }
}
