use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::*;

const ORDER: ListOrder = ListOrder {
    key: ListKey::CreatedAt,
    descending: false,
};

fn signer() -> CursorSigner {
    CursorSigner::new([7; 32])
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn behind(rank: ListRank) -> ListPosition {
    ListPosition {
        rank,
        id: "0199c5a0-7d9f-7cc1-a3c8-5f2f1d4b7a10".parse().unwrap(),
    }
}

fn noon() -> ListPosition {
    behind(ListRank::Time(Some(at("2026-05-01T12:00:00.123Z"))))
}

fn detail(outcome: Result<ListPosition, Error>) -> String {
    let Err(Error::Invalid(errors)) = outcome else {
        panic!("{outcome:?}");
    };
    let [error] = &errors[..] else {
        panic!("{errors:?}");
    };
    assert_eq!(error.location, Location::Parameter("cursor".into()));
    assert_eq!(error.violation.code, "invalid-cursor");
    error.violation.detail.clone()
}

fn assert_not_ours(cursor: &str) {
    let outcome = signer().verify(ORDER, &ListFilter::default(), cursor);
    assert!(detail(outcome).contains("nextCursor"), "{cursor}");
}

#[test]
fn every_position_comes_back_from_a_short_text_that_needs_no_escape_in_a_url() {
    let times = ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z"].map(at);
    let timed = times.map(|time| ListRank::Time(Some(time)));
    let keys = [ListKey::CreatedAt, ListKey::UpdatedAt, ListKey::Due];
    let timed = keys.into_iter().flat_map(|key| timed.map(|rank| (key, rank)));
    let priorities = Priority::ALL.map(|priority| (ListKey::Priority, ListRank::Priority(priority)));
    let open = (ListKey::Due, ListRank::Time(None));
    for (key, rank) in timed.chain(priorities).chain([open]) {
        for descending in [false, true] {
            let order = ListOrder { key, descending };
            let filter = ListFilter::default();
            let cursor = signer().sign(order, &filter, &behind(rank));
            assert!(cursor.len() <= 68, "{cursor}");
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
            assert!(cursor.bytes().all(is_plain), "{cursor}");
            assert_eq!(signer().verify(order, &filter, &cursor).unwrap(), behind(rank));
        }
    }
}

#[test]
fn every_change_of_a_cursor_is_noticed() {
    let cursor = signer().sign(ORDER, &ListFilter::default(), &noon());
    let bytes = URL_SAFE_NO_PAD.decode(&cursor).unwrap();
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_not_ours(&URL_SAFE_NO_PAD.encode(changed));
    }
    for length in 0..cursor.len() {
        assert_not_ours(&cursor[..length]);
    }
    for changed in [
        format!("{cursor}A"),
        format!("{cursor}=="),
        format!(" {cursor}"),
        "x".repeat(100_000),
        "ключ".to_owned(),
    ] {
        assert_not_ours(&changed);
    }
}

#[test]
fn what_another_database_signed_or_for_another_purpose_is_not_ours() {
    let other = CursorSigner::new([8; 32]);
    assert_not_ours(&other.sign(ORDER, &ListFilter::default(), &noon()));
    let plain = CursorSigner {
        signer: Signer::new([7; 32], b""),
    };
    assert_not_ours(&plain.sign(ORDER, &ListFilter::default(), &noon()));
}

/// Signed with our key, as a program before or after this one would.
fn signed(bytes: &[u8]) -> String {
    signer().signer.sign(bytes.to_vec())
}

#[test]
fn a_cursor_of_another_version_or_with_a_position_of_another_kind_is_refused() {
    let mut bytes = head(ORDER, &ListFilter::default());
    encode_position(&noon(), &mut bytes);
    let verified = signer().verify(ORDER, &ListFilter::default(), &signed(&bytes));
    assert_eq!(verified.unwrap(), noon());
    for version in [0, VERSION + 1] {
        bytes[0] = version;
        assert_not_ours(&signed(&bytes));
    }
    for rank in [ListRank::Time(None), ListRank::Priority(Priority::High)] {
        let mut bytes = head(ORDER, &ListFilter::default());
        encode_position(&behind(rank), &mut bytes);
        assert_not_ours(&signed(&bytes));
    }
    assert_not_ours(&signed(&head(ORDER, &ListFilter::default())));
    assert_not_ours(&signed(&[]));
}

fn with(change: fn(&mut ListFilter)) -> ListFilter {
    let mut filter = ListFilter::default();
    change(&mut filter);
    filter
}

fn external_id(text: &str) -> Option<ExternalId> {
    ExternalId::parse(text.to_owned()).ok()
}

#[test]
fn no_two_filters_share_a_cursor() {
    let filters = [
        with(|_| {}),
        with(|filter| filter.is_done = Some(true)),
        with(|filter| filter.is_done = Some(false)),
        with(|filter| filter.priority = Some(Priority::None)),
        with(|filter| filter.priority = Some(Priority::Low)),
        with(|filter| filter.category = Some("a".into())),
        with(|filter| filter.category = Some(String::new())),
        with(|filter| filter.external_id = external_id("a")),
        with(|filter| filter.external_id = external_id("b")),
        with(|filter| filter.parent_id = Some(noon().id)),
        with(|filter| filter.due_before = Some(at("2026-05-01T12:00:00Z"))),
        with(|filter| filter.due_after = Some(at("2026-05-01T12:00:00Z"))),
        with(|filter| filter.due_after = Some(at("2026-05-01T12:00:00.001Z"))),
        // Without the length of the category these two would be the same bytes: Unix milliseconds are 8, here
        // 0x0000_0100_0000_0000.
        with(|filter| {
            filter.category = Some("a".into());
            filter.due_before = Some(at("2004-11-03T19:53:47.776Z"));
        }),
        with(|filter| filter.category = Some("a\0\0\u{1}\0\0\u{1}\0\0".into())),
    ];
    for (here, filter) in filters.iter().enumerate() {
        let cursor = signer().sign(ORDER, filter, &noon());
        for (there, other) in filters.iter().enumerate() {
            let verified = signer().verify(ORDER, other, &cursor);
            if here == there {
                assert_eq!(verified.unwrap(), noon());
            } else {
                assert!(detail(verified).contains("another sort or other filters"));
            }
        }
    }
}
