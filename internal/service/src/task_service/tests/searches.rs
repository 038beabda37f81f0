//! Which of the index's searches a request becomes.

use taskwire_domain::Location;

use super::*;
use crate::{SearchRequest, SentCursor};

/// Says whether it sees the writes, and remembers what it was asked.
struct Asked {
    sees: bool,
    asked: Mutex<Vec<&'static str>>,
}

impl Asked {
    fn note(&self, what: &'static str) {
        self.asked.lock().unwrap().push(what);
    }
}

#[async_trait]
impl TaskSearch for Asked {
    async fn search(&self, _: &SearchQuery) -> Result<SearchPage, Error> {
        self.note("search");
        Ok(SearchPage::default())
    }

    async fn search_after_writes(&self, _: &SearchQuery) -> Result<SearchPage, Error> {
        self.note("search_after_writes");
        Ok(SearchPage::default())
    }

    async fn walk(&self, _: &SearchQuery, _: &WalkStep) -> Result<WalkPage, Error> {
        self.note("walk");
        Ok(WalkPage::default())
    }

    async fn likest(&self, _: &MistypedText, _: &SearchFilter) -> Result<Vec<Task>, Error> {
        self.note("likest");
        Ok(Vec::new())
    }

    async fn await_writes(&self, _: &[ConsistencyToken], _: Duration) -> Result<bool, Error> {
        self.note("await_writes");
        Ok(self.sees)
    }
}

/// What was answered, and what the index was asked for it.
async fn asked(request: &SearchRequest, sees: bool) -> (Result<Option<bool>, Error>, Vec<&'static str>) {
    let search = Arc::new(Asked {
        sees,
        asked: Mutex::default(),
    });
    let repository = holding_one(MemoryRepository::default());
    let clock = Arc::new(FixedClock(NOON));
    let service = TaskService::new(repository, search.clone(), clock, Arc::new(FixedId));
    let found = service.search(request).await;
    let asked = search.asked.lock().unwrap().clone();
    (found.map(|found| found.consistent), asked)
}

fn after_a_write() -> SearchRequest {
    let token = ConsistencyToken {
        id: id(),
        version: version(1),
    };
    SearchRequest {
        after: vec![token],
        ..SearchRequest::default()
    }
}

#[tokio::test]
async fn a_search_that_names_no_write_waits_for_none() {
    let (found, asked) = asked(&SearchRequest::default(), true).await;
    assert_eq!(found.unwrap(), None);
    assert_eq!(asked, ["search"]);
}

#[tokio::test]
async fn a_search_that_names_a_write_is_made_where_it_was_waited_for() {
    for sees in [true, false] {
        let (found, asked) = asked(&after_a_write(), sees).await;
        assert_eq!(found.unwrap(), Some(sees));
        assert_eq!(asked, ["await_writes", "search_after_writes"]);
    }
}

#[tokio::test]
async fn who_insists_on_a_write_that_is_not_seen_gets_no_search() {
    let strict = SearchRequest {
        strict: true,
        ..after_a_write()
    };
    let (found, asked) = asked(&strict, false).await;
    assert!(
        matches!(found, Err(Error::Conflict(Conflict::NotYetSearchable))),
        "{found:?}"
    );
    assert_eq!(asked, ["await_writes"]);
}

#[tokio::test]
async fn a_walk_waits_for_writes_when_it_begins() {
    let begins = SearchRequest {
        cursor: Some(SentCursor {
            text: SentCursor::BEGINNING.to_owned(),
            location: Location::Pointer("/cursor".to_owned()),
        }),
        ..after_a_write()
    };
    let (found, asked) = asked(&begins, true).await;
    assert_eq!(found.unwrap(), Some(true));
    assert_eq!(asked, ["await_writes", "walk"]);
}
