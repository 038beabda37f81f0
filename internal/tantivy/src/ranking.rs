//! The order of what was found.

use std::cmp::{Ordering, Reverse};
use std::sync::Arc;

use tantivy::collector::sort_key::NaturalComparator;
use tantivy::collector::{SegmentSortKeyComputer, SortKeyComputer};
use tantivy::columnar::ColumnValues;
use tantivy::{DocId, Score, SegmentReader};

use crate::schema::{CREATED_AT, ID_HIGH, ID_LOW};

/// Best first, then newest first, then by id.
pub(crate) struct Ranking {
    /// Whether some are better than others: not when there are no words.
    pub(crate) by_score: bool,
}

/// Where a document stands; the greatest comes first.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub(crate) struct Rank {
    score: Score,
    created_at: i64,
    id: Reverse<(u64, u64)>,
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
        Ok(SegmentRanking {
            by_score: self.by_score,
            created_at: columns.column_first_or_default(CREATED_AT)?,
            id_high: columns.column_first_or_default(ID_HIGH)?,
            id_low: columns.column_first_or_default(ID_LOW)?,
        })
    }
}

/// The order within one segment.
pub(crate) struct SegmentRanking {
    by_score: bool,
    created_at: Arc<dyn ColumnValues<i64>>,
    id_high: Arc<dyn ColumnValues<u64>>,
    id_low: Arc<dyn ColumnValues<u64>>,
}

impl SegmentSortKeyComputer for SegmentRanking {
    type SortKey = Rank;
    type SegmentSortKey = Rank;
    type SegmentComparator = NaturalComparator;

    fn segment_sort_key(&mut self, document: DocId, score: Score) -> Rank {
        Rank {
            score: if self.by_score { score } else { 0.0 },
            created_at: self.created_at.get_val(document),
            id: Reverse((self.id_high.get_val(document), self.id_low.get_val(document))),
        }
    }

    /// Looks nothing up for a document that its score alone puts behind.
    fn accept_sort_key_lazy(
        &mut self,
        document: DocId,
        score: Score,
        threshold: &Rank,
    ) -> Option<(Ordering, Rank)> {
        if self.by_score && score < threshold.score {
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
