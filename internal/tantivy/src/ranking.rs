//! The order of what was found.

use std::cmp::Ordering;
use std::sync::Arc;

use tantivy::collector::sort_key::NaturalComparator;
use tantivy::collector::{SegmentSortKeyComputer, SortKeyComputer};
use tantivy::columnar::{Column, ColumnValues};
use tantivy::{DocId, Score, SegmentReader};
use taskwire_domain::{ListKey, ListOrder, SearchOrder, SearchQuery};

use crate::schema::{CREATED_AT, DUE, ID_HIGH, ID_LOW, PRIORITY_RANK, UPDATED_AT};

/// What comes first.
pub(crate) struct Ranking {
    order: SearchOrder,
    /// Whether some are better than others.
    by_score: bool,
    /// What stands there or before is passed over.
    after: Option<Rank>,
}

impl Ranking {
    /// The order of a search.
    pub(crate) fn of(search: &SearchQuery) -> Self {
        Self {
            order: search.order,
            by_score: search.ranks(),
            after: None,
        }
    }

    /// The best first, then the newest.
    pub(crate) fn by_score() -> Self {
        Self {
            order: SearchOrder::Relevance,
            by_score: true,
            after: None,
        }
    }

    /// Of what stands behind a rank, if there is one; all else gets the rank [passed](Rank::is_passed).
    pub(crate) fn behind(self, after: Option<Rank>) -> Self {
        Self { after, ..self }
    }
}

/// Where a document stands; the greatest comes first.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub(crate) struct Rank {
    /// How good it is; in an order by something, 0 for what lacks it and 1 for all others.
    tier: Score,
    /// What it is sorted by, turned round when the least comes first.
    number: i64,
    /// Turned round likewise.
    id: u128,
}

impl Rank {
    /// Of what is not wanted: behind everything else, since no score is infinite.
    const PASSED: Self = Self {
        tier: Score::NEG_INFINITY,
        number: 0,
        id: 0,
    };

    /// Whether it is no rank of the results, but that of what only fills the page.
    pub(crate) fn is_passed(&self) -> bool {
        self.tier == Score::NEG_INFINITY
    }

    pub(crate) fn to_bytes(self) -> [u8; 28] {
        let mut bytes = [0; 28];
        bytes[..4].copy_from_slice(&self.tier.to_be_bytes());
        bytes[4..12].copy_from_slice(&self.number.to_be_bytes());
        bytes[12..].copy_from_slice(&self.id.to_be_bytes());
        bytes
    }

    pub(crate) fn from_bytes(bytes: [u8; 28]) -> Self {
        let [t0, t1, t2, t3, n0, n1, n2, n3, n4, n5, n6, n7, id @ ..] = bytes;
        Self {
            tier: Score::from_be_bytes([t0, t1, t2, t3]),
            number: i64::from_be_bytes([n0, n1, n2, n3, n4, n5, n6, n7]),
            id: u128::from_be_bytes(id),
        }
    }
}

impl SortKeyComputer for Ranking {
    type SortKey = Rank;
    type Child = SegmentRanking;
    type Comparator = NaturalComparator;

    fn requires_scoring(&self) -> bool {
        self.by_score
    }

    fn segment_sort_key_computer(&self, segment: &SegmentReader) -> tantivy::Result<SegmentRanking> {
        let columns = segment.fast_fields();
        let (name, is_descending, id_is_descending) = match self.order {
            SearchOrder::Relevance => (CREATED_AT, true, false),
            SearchOrder::By(ListOrder { key, descending }) => (column(key), descending, descending),
        };
        Ok(SegmentRanking {
            by_score: self.by_score,
            after: self.after,
            number: columns.column_opt(name)?,
            number_mask: mask(is_descending),
            id_mask: mask(id_is_descending),
            id_high: columns.column_first_or_default(ID_HIGH)?,
            id_low: columns.column_first_or_default(ID_LOW)?,
        })
    }
}

fn column(key: ListKey) -> &'static str {
    match key {
        ListKey::CreatedAt => CREATED_AT,
        ListKey::UpdatedAt => UPDATED_AT,
        ListKey::Due => DUE,
        ListKey::Priority => PRIORITY_RANK,
    }
}

/// What turns an order round: with every bit inverted, the greatest number is the least.
fn mask(is_descending: bool) -> i64 {
    if is_descending { 0 } else { -1 }
}

/// The order within one segment.
pub(crate) struct SegmentRanking {
    by_score: bool,
    after: Option<Rank>,
    /// `None` when no document of the segment has it.
    number: Option<Column<i64>>,
    number_mask: i64,
    id_mask: i64,
    id_high: Arc<dyn ColumnValues<u64>>,
    id_low: Arc<dyn ColumnValues<u64>>,
}

impl SegmentSortKeyComputer for SegmentRanking {
    type SortKey = Rank;
    type SegmentSortKey = Rank;
    type SegmentComparator = NaturalComparator;

    fn segment_sort_key(&mut self, document: DocId, score: Score) -> Rank {
        let number = self.number.as_ref().and_then(|column| column.first(document));
        let id = u128::from(self.id_high.get_val(document)) << 64 | u128::from(self.id_low.get_val(document));
        let tier = match number {
            None => 0.0,
            Some(_) if self.by_score => score,
            Some(_) => 1.0,
        };
        let rank = Rank {
            tier,
            number: number.unwrap_or(0) ^ self.number_mask,
            id: id ^ i128::from(self.id_mask) as u128,
        };
        match self.after {
            Some(after) if rank >= after => Rank::PASSED,
            _ => rank,
        }
    }

    /// Looks nothing up for a document that its score alone puts behind.
    fn accept_sort_key_lazy(
        &mut self,
        document: DocId,
        score: Score,
        threshold: &Rank,
    ) -> Option<(Ordering, Rank)> {
        if self.by_score && score < threshold.tier {
            return None;
        }
        let rank = self.segment_sort_key(document, score);
        let order = self.compare_segment_sort_key(&rank, threshold);
        (order != Ordering::Less).then_some((order, rank))
    }

    fn convert_segment_sort_key(&self, rank: Rank) -> Rank {
        rank
    }
}
