use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use taskwire_domain::{
    Categories, ConsistencyToken, Dates, Description, Priority, SearchFilter, SearchQuery, SearchText, Task,
    TaskFields, WalkPage, WalkStep,
};

use super::*;

/// Knows one task, and remembers under which conditions it was asked for the likest.
#[derive(Default)]
struct OneTask {
    asked: Mutex<Vec<SearchFilter>>,
}

#[async_trait]
impl TaskSearch for OneTask {
    async fn search(&self, _: &SearchQuery) -> Result<SearchPage, Error> {
        panic!("nothing is searched for again")
    }

    async fn walk(&self, _: &SearchQuery, _: &WalkStep) -> Result<WalkPage, Error> {
        panic!("nothing is walked through")
    }

    async fn likest(&self, _: &MistypedText, filter: &SearchFilter) -> Result<Vec<Task>, Error> {
        self.asked.lock().unwrap().push(filter.clone());
        let fields = TaskFields {
            external_id: None,
            description: Description::parse("buy oat milk".into()).unwrap(),
            priority: Priority::None,
            dates: Dates::default(),
            is_done: false,
            parent_id: None,
            categories: Categories::default(),
        };
        let id = "0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a10".parse().unwrap();
        Ok(vec![Task::create(
            id,
            fields,
            "2026-05-01T09:00:00Z".parse().unwrap(),
        )])
    }

    async fn await_writes(&self, _: &[ConsistencyToken], _: Duration) -> Result<bool, Error> {
        panic!("nothing is waited for")
    }
}

fn request(text: &str, suggest: bool) -> SearchRequest {
    let query = SearchQuery {
        text: SearchText::parse(text.to_owned()).unwrap(),
        filter: SearchFilter {
            is_done: Some(false),
            ..SearchFilter::default()
        },
        ..SearchQuery::default()
    };
    SearchRequest {
        query,
        suggest,
        ..SearchRequest::default()
    }
}

fn page(total: u64) -> SearchPage {
    SearchPage {
        total,
        ..SearchPage::default()
    }
}

#[tokio::test]
async fn what_would_find_something_is_told_under_the_same_conditions() {
    let search = OneTask::default();
    let asked = request("xat milk", true);
    let suggestion = asked
        .suggestion(&Aside::default(), &search, &page(0))
        .await
        .unwrap();
    assert_eq!(suggestion.as_deref(), Some("oat milk"));
    assert_eq!(*search.asked.lock().unwrap(), [asked.query.filter]);
}

#[tokio::test]
async fn the_engine_is_not_asked_for_who_does_not_ask_or_has_found_something() {
    let search = OneTask::default();
    for (text, suggest, total) in [
        ("xat milk", false, 0),
        ("xat milk", true, 1),
        (" ", true, 0),
        ("!!!", true, 0),
        ("-xat", true, 0),
        ("ab", true, 0),
    ] {
        let suggestion = request(text, suggest)
            .suggestion(&Aside::default(), &search, &page(total))
            .await;
        assert_eq!(suggestion.unwrap(), None, "{text}");
    }
    assert!(search.asked.lock().unwrap().is_empty());
}
