use taskwire_domain::{Facet, Priority, SearchWindow};

use super::*;

fn cursors() -> SearchCursors {
    SearchCursors::new([7; 32])
}

fn position() -> WalkPosition {
    WalkPosition::from_bytes(b"some place".to_vec())
}

fn sent(text: &str) -> SentCursor {
    SentCursor {
        text: text.to_owned(),
        location: Location::Pointer("/cursor".to_owned()),
    }
}

fn step(query: &SearchQuery, text: &str) -> Result<WalkStep, Error> {
    cursors().step(query, &sent(text))
}

/// What is said to a caller who sends it.
fn detail(outcome: Result<WalkStep, Error>) -> String {
    let Err(Error::Invalid(errors)) = outcome else {
        panic!("{outcome:?}");
    };
    let [error] = &errors[..] else {
        panic!("{errors:?}");
    };
    assert_eq!(error.location, sent("").location);
    assert_eq!(error.violation.code, "invalid-cursor");
    error.violation.detail.clone()
}

fn assert_not_ours(text: &str) {
    let said = detail(step(&SearchQuery::default(), text));
    assert!(said.contains("nextCursor"), "{text}: {said}");
}

#[test]
fn a_star_begins_and_a_position_comes_back_as_it_was() {
    let query = SearchQuery::default();
    assert_eq!(step(&query, "*").unwrap(), WalkStep::Begin);
    for length in [0, 1, 52, 1_000] {
        let position = WalkPosition::from_bytes(vec![0xA5; length]);
        let cursor = cursors().sign(&query, &position);
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        assert!(cursor.bytes().all(is_plain), "{cursor}");
        assert_eq!(step(&query, &cursor).unwrap(), WalkStep::Continue(position));
    }
}

#[test]
fn every_change_of_a_cursor_is_noticed() {
    let cursor = cursors().sign(&SearchQuery::default(), &position());
    for at in 0..cursor.len() {
        let mut changed = cursor.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        assert_not_ours(std::str::from_utf8(&changed).unwrap());
        assert_not_ours(&cursor[..at]);
    }
    for other in ["", "**", " *", "x", &"A".repeat(100_000), &format!("{cursor}A")] {
        assert_not_ours(other);
    }
}

#[test]
fn what_another_database_signed_or_for_another_purpose_is_not_ours() {
    let query = SearchQuery::default();
    assert_not_ours(&SearchCursors::new([8; 32]).sign(&query, &position()));
    let bytes = [&head(&query)[..], position().as_bytes()].concat();
    for purpose in [&b""[..], b"taskwire list cursor\0"] {
        assert_not_ours(&Signer::new([7; 32], purpose).sign(bytes.clone()));
    }
    let mut of_another_version = bytes;
    of_another_version[0] = VERSION + 1;
    assert_not_ours(&cursors().signer.sign(of_another_version));
    assert_not_ours(&cursors().signer.sign(Vec::new()));
}

fn with(change: impl FnOnce(&mut SearchQuery)) -> SearchQuery {
    let mut query = SearchQuery::default();
    change(&mut query);
    query
}

fn time(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

fn categories(names: &[&str]) -> Option<Categories> {
    Categories::parse(names.iter().map(|&name| name.to_owned()).collect()).ok()
}

fn range(query: &mut SearchQuery, which: usize) -> &mut TimeRange {
    let filter = &mut query.filter;
    [&mut filter.due, &mut filter.start, &mut filter.created]
        .into_iter()
        .nth(which)
        .unwrap()
}

#[test]
fn no_two_searches_share_a_cursor() {
    let mut searches = vec![
        with(|_| {}),
        with(|query| query.text = SearchText::parse("oat milk".into()).unwrap()),
        with(|query| query.text = SearchText::parse("oat milk ".into()).unwrap()),
        with(|query| query.text = SearchText::parse("\"oat milk\"".into()).unwrap()),
        with(|query| query.filter.is_done = Some(true)),
        with(|query| query.filter.is_done = Some(false)),
        with(|query| query.filter.priority = Some(Priority::Low)),
        with(|query| query.filter.priority = Some(Priority::High)),
        with(|query| query.filter.categories = categories(&["a", "b"])),
        with(|query| query.filter.categories = categories(&["ab"])),
        with(|query| query.filter.categories = categories(&[])),
        with(|query| query.filter.parent_id = "0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a10".parse().ok()),
        with(|query| query.filter.external_id = ExternalId::parse("a".into()).ok()),
    ];
    for which in 0..3 {
        searches.push(with(|query| {
            range(query, which).after = time("2026-05-01T00:00:00Z")
        }));
        searches.push(with(|query| {
            range(query, which).after = time("2026-05-01T00:00:00.001Z")
        }));
        searches.push(with(|query| {
            range(query, which).before = time("2026-05-01T00:00:00Z")
        }));
    }
    for key in [
        ListKey::CreatedAt,
        ListKey::UpdatedAt,
        ListKey::Due,
        ListKey::Priority,
    ] {
        for descending in [false, true] {
            searches.push(with(|query| {
                query.order = SearchOrder::By(ListOrder { key, descending })
            }));
        }
    }
    for (here, search) in searches.iter().enumerate() {
        let cursor = cursors().sign(search, &position());
        for (there, other) in searches.iter().enumerate() {
            let outcome = step(other, &cursor);
            if here == there {
                assert_eq!(outcome.unwrap(), WalkStep::Continue(position()));
            } else {
                let said = detail(outcome);
                assert!(said.contains("another search"), "{search:?}, {other:?}: {said}");
            }
        }
    }
}

#[test]
fn the_size_of_a_page_and_what_is_counted_may_change() {
    let cursor = cursors().sign(&SearchQuery::default(), &position());
    let other = with(|query| {
        query.window = SearchWindow { from: 0, size: 77 };
        query.facets = [Facet::Due].into();
    });
    assert_eq!(step(&other, &cursor).unwrap(), WalkStep::Continue(position()));
}
