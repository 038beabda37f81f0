//! Searches and what they find.

use serde_json::{Value, json};
use taskwire_domain::{Facet, Highlighter, Priority, SearchText, SearchWindow};
use taskwire_service::SearchRequest;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{
    ArrayBuilder, KnownFormat, ObjectBuilder, OneOfBuilder, Schema, SchemaFormat, Type,
};

use super::Component;
use super::parts::{
    Described, OrNull, accepting, boolean, external_id, integer, labels, nullable_array, nullable_priority,
    object, of, uuid, with_members,
};
use crate::handlers::list_tasks::SORT_KEYS;
use crate::search_answer::RELEVANCE;

/// What the words of a search mean.
pub(in crate::docs) const WORDS: &str = "Words that must all occur; the last may be the beginning of one, and small typos are forgiven. `\"words in \
     quotes\"` must occur one after the other, exactly; `-word` and `-\"some words\"` must not occur. At most 128 words \
     and 16 phrases and exclusions. Without any, the conditions alone decide.";

/// What the size of a page means.
pub(in crate::docs) const SIZE: &str = "How many to return; 0 only counts.";

/// What orders mean.
pub(in crate::docs) const SORT: &str = "What comes first: `relevance` is the best, then the newest. All others are sorted by; with `-` in front, from the \
     greatest to the least. Tasks without a due time come last in the order of `due`, in both directions, and the id breaks \
     ties.";

/// What facets mean.
pub(in crate::docs) const FACETS: &str = "Count the results by these: each of `facets` in the answer holds how many tasks there are of each kind under the \
     words and all conditions but those on itself. At most the 100 most frequent categories and the 1,000 earliest days of \
     UTC.";

/// What highlights mean.
pub(in crate::docs) const HIGHLIGHT: &str = "Show where the words stand: `highlights` in the answer holds up to three fragments of HTML by task id, in which \
     every word found is in `<em>` and all else is escaped.";

/// What suggestions mean.
pub(in crate::docs) const SUGGEST: &str = "When nothing is found, say what would find something under the same conditions: `suggestion` in the answer is the \
     text with its likely typos corrected, wherever they are. It is absent when there is no such text of up to 16 words, or \
     no time to look for one.";

/// What tokens mean.
pub(in crate::docs) const AFTER: &str = "Include these writes: each is the `X-Consistency-Token` of one, or the `consistencyToken` in the result of a bulk, at most \
     100. The search waits until they can be \
     found, and `consistent` in the answer says whether they were included.";

/// What the time limit means.
pub(in crate::docs) const TIMEOUT: &str = "How long to wait for the writes in `after`: a whole number of `s` or `ms`, at most 5s. Looking for them may take 200 ms \
     even when it is less.";

/// What insisting means.
pub(in crate::docs) const STRICT: &str = "Answer 412 (`not-yet-searchable`), and do not search, when the writes in `after` would not be included. A walk heeds it \
     when it begins.";

/// What cursors mean.
pub(in crate::docs) const CURSOR: &str = "Walk through all results, however many: `*` begins, and the `nextCursor` of each answer leads to the next page \
     until an answer has none. All pages are of one view of the tasks, whatever is written meanwhile; `after` is waited for \
     by the first. Words, conditions and `sort` have to be the same on every page; `size`, at least 1, may differ; `from` \
     must be absent. A cursor is 410 (`cursor-expired`) once nobody has used it for a while (a minute, unless the \
     operator says otherwise), when more walks are open than are kept, and after the last page was answered; until then a page \
     can be asked for again. It can have some thousand characters: where URLs are \
     limited, walk by `POST`.";

/// `*`, or what an answer had.
pub(in crate::docs) fn search_cursor() -> ObjectBuilder {
    of(Type::String).pattern(Some(r"^(\*|[A-Za-z0-9_-]+)$"))
}

/// A token of a write.
const TOKEN: &str = "[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}@0*[1-9][0-9]{0,17}";

/// Tokens with a comma between.
pub(in crate::docs) fn tokens() -> ObjectBuilder {
    let others = SearchRequest::MAX_AFTER - 1;
    of(Type::String).pattern(Some(format!("^{TOKEN}(,{TOKEN}){{0,{others}}}$")))
}

/// How long to wait, up to [`SearchRequest::MAX_PATIENCE`].
pub(in crate::docs) fn patience() -> ObjectBuilder {
    of(Type::String).pattern(Some("^0*([0-5]s|[0-9]{1,3}ms|[1-4][0-9]{3}ms|5000ms)$"))
}

/// The name of an order of results.
pub(in crate::docs) fn search_sort() -> ObjectBuilder {
    let orders = SORT_KEYS
        .iter()
        .flat_map(|(name, _)| [(*name).to_owned(), format!("-{name}")]);
    of(Type::String).enum_values(Some(std::iter::once(RELEVANCE.to_owned()).chain(orders)))
}

/// The name of a facet.
pub(in crate::docs) fn facet() -> ObjectBuilder {
    of(Type::String).enum_values(Some(Facet::ALL.map(Facet::as_str)))
}

/// What the start of a page means.
pub(in crate::docs) fn from_description() -> String {
    format!(
        "How many results to pass over; from and size together may be at most {}. A cursor leads further.",
        SearchWindow::LIMIT
    )
}

pub(super) fn search_request() -> Schema {
    let window = SearchWindow::default();
    let from = integer(0).maximum(Some(SearchWindow::LIMIT)).or_null();
    let size = integer(0).maximum(Some(SearchWindow::MAX_SIZE)).or_null();
    let paging = vec![
        (
            "from",
            from.default(Some(json!(window.from)))
                .described(&from_description()),
        ),
        ("size", size.default(Some(json!(window.size))).described(SIZE)),
        ("cursor", search_cursor().or_null().described(CURSOR)),
    ];
    accepting([conditions(), wishes(), freshness(), paging].concat())
        .description(Some(
            "Conditions that all apply. An absent or null one is none: absent `isDone` finds both.",
        ))
        .into()
}

/// What has to hold for a task to be found.
fn conditions() -> Vec<(&'static str, RefOr<Schema>)> {
    let text = of(Type::String).max_length(Some(SearchText::MAX_CHARS)).or_null();
    vec![
        ("description", text.described(WORDS)),
        ("isDone", boolean().or_null().described("Done, or not done.")),
        ("priority", nullable_priority().described("This priority.")),
        ("categories", labels().schema_type(nullable_array()).into()),
        ("parentId", uuid().or_null().described("Sub-tasks of this task.")),
        (
            "externalId",
            external_id()
                .or_null()
                .described("The task with this external id."),
        ),
        (
            "dueBefore",
            time().described("Due earlier than this; not those without a due time."),
        ),
        (
            "dueAfter",
            time().described("Due later than this; not those without a due time."),
        ),
        (
            "startBefore",
            time().described("Starting earlier than this; not those without a start."),
        ),
        (
            "startAfter",
            time().described("Starting later than this; not those without a start."),
        ),
        ("createdBefore", time().described("Created earlier than this.")),
        ("createdAfter", time().described("Created later than this.")),
    ]
}

/// In which order, and what besides.
fn wishes() -> Vec<(&'static str, RefOr<Schema>)> {
    vec![
        (
            "sort",
            nullable_sort().default(Some(json!(RELEVANCE))).described(SORT),
        ),
        (
            "facets",
            ArrayBuilder::new()
                .items(facet())
                .max_items(Some(Facet::ALL.len()))
                .schema_type(nullable_array())
                .description(Some(FACETS))
                .into(),
        ),
        (
            "highlight",
            boolean()
                .or_null()
                .default(Some(json!(false)))
                .described(HIGHLIGHT),
        ),
        (
            "suggest",
            boolean().or_null().default(Some(json!(false))).described(SUGGEST),
        ),
    ]
}

/// Which writes it includes.
fn freshness() -> Vec<(&'static str, RefOr<Schema>)> {
    vec![
        ("after", after()),
        (
            "timeout",
            patience().or_null().default(Some(json!("2s"))).described(TIMEOUT),
        ),
        (
            "strict",
            boolean().or_null().default(Some(json!(false))).described(STRICT),
        ),
    ]
}

/// A list of tokens, or what the query has.
fn after() -> RefOr<Schema> {
    let list = ArrayBuilder::new()
        .items(of(Type::String).pattern(Some(format!("^{TOKEN}$"))))
        .max_items(Some(SearchRequest::MAX_AFTER))
        .schema_type(nullable_array());
    let either = OneOfBuilder::new().item(list).item(tokens());
    either.description(Some(AFTER)).into()
}

fn time() -> ObjectBuilder {
    let time = of(Type::String).format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)));
    time.or_null()
}

fn nullable_sort() -> ObjectBuilder {
    let orders = SORT_KEYS
        .iter()
        .flat_map(|(name, _)| [json!(name), json!(format!("-{name}"))]);
    let orders = std::iter::once(json!(RELEVANCE)).chain(orders);
    of(Type::String)
        .or_null()
        .enum_values(Some(orders.chain([Value::Null])))
}

/// The counts by one facet.
fn counts(value: ObjectBuilder, description: &str) -> RefOr<Schema> {
    let counted = object(vec![
        ("value", value.into()),
        ("count", integer(0).described("How many tasks.")),
    ]);
    ArrayBuilder::new()
        .items(counted)
        .description(Some(description))
        .into()
}

fn facets() -> ObjectBuilder {
    let priorities = of(Type::String).enum_values(Some(Priority::ALL.map(Priority::as_str)));
    let day = of(Type::String).format(Some(SchemaFormat::KnownFormat(KnownFormat::Date)));
    with_members(vec![
        ("priority", counts(priorities, "Every priority, the least first.")),
        ("isDone", counts(boolean(), "Not done, and done.")),
        (
            "categories",
            counts(of(Type::String), "In lower case, the most frequent first."),
        ),
        (
            "due",
            counts(day, "Days of UTC on which tasks are due, the earliest first."),
        ),
    ])
    .description(Some("What was counted, by facet, for those who asked."))
}

fn highlights() -> ObjectBuilder {
    let fragments = ArrayBuilder::new()
        .items(of(Type::String))
        .max_items(Some(Highlighter::MOST_FRAGMENTS));
    ObjectBuilder::new()
        .additional_properties(Some(RefOr::T(Schema::from(fragments))))
        .description(Some("Fragments of HTML by task id, for those who asked; a task in whose text no word stands has none."))
}

pub(super) fn search_result() -> Schema {
    let tasks = ArrayBuilder::new()
        .items(Component::Task.reference())
        .max_items(usize::try_from(SearchWindow::MAX_SIZE).ok())
        .description(Some("The tasks found, in the order of `sort`."));
    object(vec![
        ("tasks", tasks.into()),
        (
            "total",
            integer(0).described("How many there are in all, exactly."),
        ),
    ])
    .property("facets", facets())
    .property("highlights", highlights())
    .property(
        "suggestion",
        of(Type::String).description(Some(
            "A corrected text that finds something, for those who asked and found nothing.",
        )),
    )
    .property(
        "nextCursor",
        of(Type::String).description(Some(
            "Leads to the next page of a walk; absent on the last, and without `cursor`.",
        )),
    )
    .property(
        "consistent",
        boolean().description(Some(
            "Whether it includes the writes in `after`, for those who asked; absent on later pages of a walk.",
        )),
    )
    .into()
}
