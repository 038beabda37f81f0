//! Counting results by what they are.

use std::collections::BTreeMap;

use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::{Column, StrColumn};
use tantivy::{DocId, Score, SegmentOrdinal, SegmentReader};
use taskwire_domain::{Facet, FacetCount, FacetValue, Priority, Timestamp};

use crate::schema::{CATEGORIES, DUE, IS_DONE, PRIORITY_RANK};

const MILLIS_OF_A_DAY: i64 = 24 * 60 * 60 * 1_000;

/// Counts by each of these.
pub(crate) struct CountBy(pub(crate) Vec<Facet>);

/// What was counted, by facet.
pub(crate) type Counts = BTreeMap<Facet, BTreeMap<FacetValue, u64>>;

impl Collector for CountBy {
    type Fruit = Counts;
    type Child = SegmentCounts;

    fn for_segment(&self, _: SegmentOrdinal, segment: &SegmentReader) -> tantivy::Result<SegmentCounts> {
        let tallies = self
            .0
            .iter()
            .map(|&facet| Ok((facet, Tally::of(facet, segment)?)));
        Ok(SegmentCounts(tallies.collect::<tantivy::Result<_>>()?))
    }

    fn requires_scoring(&self) -> bool {
        false
    }

    fn merge_fruits(&self, segments: Vec<tantivy::Result<Counts>>) -> tantivy::Result<Counts> {
        let mut counts: Counts = self.0.iter().map(|&facet| (facet, BTreeMap::new())).collect();
        for segment in segments {
            for (facet, found) in segment? {
                let all = counts.entry(facet).or_default();
                for (value, count) in found {
                    *all.entry(value).or_default() += count;
                }
            }
        }
        Ok(counts)
    }
}

/// The counts of one segment.
pub(crate) struct SegmentCounts(Vec<(Facet, Tally)>);

impl SegmentCollector for SegmentCounts {
    type Fruit = tantivy::Result<Counts>;

    fn collect(&mut self, document: DocId, _: Score) {
        for (_, tally) in &mut self.0 {
            tally.count(document);
        }
    }

    fn harvest(self) -> tantivy::Result<Counts> {
        self.0
            .into_iter()
            .map(|(facet, tally)| Ok((facet, tally.told()?)))
            .collect()
    }
}

/// How many documents have each value of one column; a segment in which no document has any has no column.
enum Tally {
    Numbers(Facet, Option<Column<i64>>, BTreeMap<i64, u64>),
    Flags(Option<Column<bool>>, [u64; 2]),
    Names(Option<StrColumn>, Vec<u64>),
}

impl Tally {
    fn of(facet: Facet, segment: &SegmentReader) -> tantivy::Result<Self> {
        let columns = segment.fast_fields();
        Ok(match facet {
            Facet::Priority => Self::Numbers(facet, columns.column_opt(PRIORITY_RANK)?, BTreeMap::new()),
            Facet::Due => Self::Numbers(facet, columns.column_opt(DUE)?, BTreeMap::new()),
            Facet::IsDone => Self::Flags(columns.column_opt(IS_DONE)?, [0; 2]),
            Facet::Categories => {
                let column = columns.str(CATEGORIES)?;
                let terms = column.as_ref().map_or(0, |column| column.num_terms());
                Self::Names(column, vec![0; terms])
            }
        })
    }

    fn count(&mut self, document: DocId) {
        match self {
            Self::Numbers(facet, column, counts) => {
                let Some(number) = column.as_ref().and_then(|column| column.first(document)) else {
                    return;
                };
                let number = match facet {
                    Facet::Due => number.div_euclid(MILLIS_OF_A_DAY),
                    _ => number,
                };
                *counts.entry(number).or_default() += 1;
            }
            Self::Flags(column, counts) => {
                let flag = column.as_ref().and_then(|column| column.first(document));
                if let Some(flag) = flag {
                    counts[usize::from(flag)] += 1;
                }
            }
            Self::Names(column, counts) => {
                for ordinal in column.iter().flat_map(|column| column.term_ords(document)) {
                    if let Some(count) = counts.get_mut(usize::try_from(ordinal).unwrap_or(usize::MAX)) {
                        *count += 1;
                    }
                }
            }
        }
    }

    fn told(self) -> tantivy::Result<BTreeMap<FacetValue, u64>> {
        let mut told = BTreeMap::new();
        match self {
            Self::Numbers(facet, _, counts) => {
                let counts = counts.into_iter();
                told.extend(counts.filter_map(|(number, count)| Some((numbered(facet, number)?, count))));
            }
            Self::Flags(_, [not_done, done]) => {
                told.extend([
                    (FacetValue::IsDone(false), not_done),
                    (FacetValue::IsDone(true), done),
                ]);
            }
            Self::Names(None, _) => {}
            Self::Names(Some(column), counts) => {
                for (ordinal, count) in (0..).zip(counts).filter(|(_, count)| *count > 0) {
                    let mut name = String::new();
                    column.ord_to_str(ordinal, &mut name)?;
                    told.insert(FacetValue::Category(name), count);
                }
            }
        }
        Ok(told)
    }
}

fn numbered(facet: Facet, number: i64) -> Option<FacetValue> {
    match facet {
        Facet::Priority => Priority::from_rank(i16::try_from(number).ok()?).map(FacetValue::Priority),
        Facet::Due => Timestamp::from_unix_millis(number * MILLIS_OF_A_DAY).map(FacetValue::Day),
        Facet::IsDone | Facet::Categories => None,
    }
}

/// The counts in the order in which they are shown.
pub(crate) fn shown(facet: Facet, mut counts: BTreeMap<FacetValue, u64>) -> Vec<FacetCount> {
    // Also what nobody has; an index without any document has counted nothing at all.
    let always = match facet {
        Facet::Priority => Priority::ALL.map(FacetValue::Priority).to_vec(),
        Facet::IsDone => [false, true].map(FacetValue::IsDone).to_vec(),
        Facet::Categories | Facet::Due => Vec::new(),
    };
    for value in always {
        counts.entry(value).or_default();
    }
    let counts = counts
        .into_iter()
        .map(|(value, count)| FacetCount { value, count });
    let mut counts: Vec<_> = counts.collect();
    match facet {
        Facet::Categories => {
            counts.sort_by_key(|counted| std::cmp::Reverse(counted.count));
            counts.truncate(Facet::MAX_CATEGORIES);
        }
        Facet::Due => counts.truncate(Facet::MAX_DAYS),
        Facet::Priority | Facet::IsDone => {}
    }
    counts
}
