//! Facets in the server's words, and back.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use taskwire_domain::{Facet, FacetCount, FacetValue, Priority, SearchQuery, Timestamp};

use crate::search_body::filters;

/// How many categories of each shard are looked at: the counts are exact as long as there are no more, or one shard.
const CATEGORIES_OF_A_SHARD: u32 = 10_000;

/// One aggregation for each facet, under the conditions on all others; those on what no facet counts by are in the query.
pub(crate) fn aggregations(query: &SearchQuery) -> Value {
    let aggregations = query.facets.iter().map(|&facet| {
        let others = query.facets.iter().filter(|&&other| other != facet);
        let others: Vec<_> = others
            .flat_map(|&other| filters(&query.filter.of(other)))
            .collect();
        let counted = json!({ "filter": { "bool": { "filter": others } }, "aggs": { "by": by(facet) } });
        (facet.as_str().to_owned(), counted)
    });
    aggregations.collect::<Map<_, _>>().into()
}

fn by(facet: Facet) -> Value {
    match facet {
        Facet::Priority => json!({ "terms": { "field": "priority", "size": Priority::ALL.len() } }),
        Facet::IsDone => json!({ "terms": { "field": "isDone", "size": 2 } }),
        Facet::Categories => json!({ "terms": {
            "field": "categories", "size": Facet::MAX_CATEGORIES, "shard_size": CATEGORIES_OF_A_SHARD,
            "order": [{ "_count": "desc" }, { "_key": "asc" }],
        }}),
        // Not a histogram, which has no limit of its own and fails on the server's.
        Facet::Due => json!({ "composite": { "size": Facet::MAX_DAYS, "sources": [
            { "day": { "date_histogram": { "field": "dates.due", "fixed_interval": "1d" } } },
        ]}}),
    }
}

/// What was counted, by the facet's name.
#[derive(Deserialize, Default)]
#[serde(transparent)]
pub(crate) struct Counted(BTreeMap<String, By>);

#[derive(Deserialize)]
struct By {
    by: Buckets,
}

#[derive(Deserialize)]
struct Buckets {
    // The filter leaves an empty list out.
    #[serde(default)]
    buckets: Vec<Bucket>,
}

#[derive(Deserialize)]
struct Bucket {
    key: Key,
    doc_count: u64,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Key {
    Text(String),
    Number(i64),
    Day { day: i64 },
}

impl Counted {
    /// The counts of each facet asked for, in the order in which they are shown.
    pub(crate) fn told(&self, query: &SearchQuery) -> BTreeMap<Facet, Vec<FacetCount>> {
        query
            .facets
            .iter()
            .map(|&facet| (facet, self.facet(facet)))
            .collect()
    }

    fn facet(&self, facet: Facet) -> Vec<FacetCount> {
        let buckets = self.0.get(facet.as_str()).map_or(&[][..], |by| &by.by.buckets);
        let counted = buckets.iter().filter_map(|bucket| {
            let count = bucket.doc_count;
            value(facet, &bucket.key).map(|value| FacetCount { value, count })
        });
        match facet {
            Facet::Priority => every(counted, Priority::ALL.map(FacetValue::Priority)),
            Facet::IsDone => every(counted, [false, true].map(FacetValue::IsDone)),
            Facet::Categories | Facet::Due => counted.collect(),
        }
    }
}

/// The counts of all these, also where there are none.
fn every<const N: usize>(
    counted: impl Iterator<Item = FacetCount>,
    values: [FacetValue; N],
) -> Vec<FacetCount> {
    let counted: Vec<_> = counted.collect();
    let count_of = |value: &FacetValue| counted.iter().find(|counted| counted.value == *value);
    let all = values.into_iter().map(|value| {
        let count = count_of(&value).map_or(0, |counted| counted.count);
        FacetCount { value, count }
    });
    all.collect()
}

fn value(facet: Facet, key: &Key) -> Option<FacetValue> {
    match (facet, key) {
        (Facet::Priority, Key::Text(name)) => name.parse().ok().map(FacetValue::Priority),
        (Facet::IsDone, Key::Number(done)) => Some(FacetValue::IsDone(*done != 0)),
        (Facet::Categories, Key::Text(name)) => Some(FacetValue::Category(name.clone())),
        (Facet::Due, Key::Day { day }) => Timestamp::from_unix_millis(*day).map(FacetValue::Day),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use taskwire_domain::{SearchFilter, TimeRange};

    use super::*;

    #[test]
    fn each_facet_is_counted_under_the_conditions_on_the_others() {
        let query = SearchQuery {
            filter: SearchFilter {
                priority: Some(Priority::High),
                is_done: Some(true),
                ..SearchFilter::default()
            },
            facets: [Facet::Priority, Facet::Due].into(),
            ..SearchQuery::default()
        };
        let told = aggregations(&query);
        assert_eq!(told["priority"]["filter"]["bool"]["filter"], json!([]));
        let other = json!([{ "term": { "priority": "high" } }]);
        assert_eq!(told["due"]["filter"]["bool"]["filter"], other);
        let body = crate::search_body::search_body(&query, std::time::Duration::from_secs(1));
        assert_eq!(body["post_filter"]["bool"]["filter"], other);
        assert_eq!(
            body["query"]["bool"]["filter"],
            json!([{ "term": { "isDone": true } }])
        );
        assert_eq!(query.filter.due, TimeRange::default());
    }

    #[test]
    fn what_was_counted_is_read_and_what_nobody_has_is_0() {
        let answer = r#"{"priority":{"by":{"buckets":[{"key":"high","doc_count":3}]}},
            "isDone":{"by":{"buckets":[{"key":1,"key_as_string":"true","doc_count":2}]}},
            "categories":{"by":{"buckets":[{"key":"home","doc_count":1}]}},
            "due":{"by":{"buckets":[{"key":{"day":86400000},"doc_count":5}]}}}"#;
        let counted: Counted = serde_json::from_str(answer).unwrap();
        let query = SearchQuery {
            facets: Facet::ALL.into(),
            ..SearchQuery::default()
        };
        let told = counted.told(&query);
        let counts = |facet| {
            told[&facet]
                .iter()
                .map(|counted| counted.count)
                .collect::<Vec<_>>()
        };
        assert_eq!(counts(Facet::Priority), [0, 0, 0, 3]);
        assert_eq!(counts(Facet::IsDone), [0, 2]);
        assert_eq!(
            told[&Facet::Categories][0].value,
            FacetValue::Category("home".into())
        );
        let day = "1970-01-02T00:00:00Z".parse().unwrap();
        assert_eq!(told[&Facet::Due][0].value, FacetValue::Day(day));
        let nothing = Counted::default().told(&query);
        assert_eq!(nothing[&Facet::Due], []);
    }
}
