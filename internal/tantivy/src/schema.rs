//! The fields of a document.

use tantivy::schema::{
    BytesOptions, FAST, Field, INDEXED, IndexRecordOption, STORED, Schema, TextFieldIndexing, TextOptions,
};

/// Written into every commit. A change of the fields or of how words are split takes the next number: an index with a
/// lower one is rebuilt.
pub(crate) const SCHEMA_VERSION: u32 = 3;

/// The tokenizers' names.
pub(crate) const WORDS: &str = "words";
pub(crate) const BEGINNINGS: &str = "beginnings";
const WHOLE: &str = "raw";

/// Names of the columns that are read by name.
pub(crate) const ID_HIGH: &str = "idHigh";
pub(crate) const ID_LOW: &str = "idLow";
pub(crate) const VERSION: &str = "version";
pub(crate) const DELETED: &str = "deleted";
pub(crate) const CREATED_AT: &str = "createdAt";
pub(crate) const UPDATED_AT: &str = "updatedAt";
pub(crate) const START: &str = "start";
pub(crate) const DUE: &str = "due";
pub(crate) const PRIORITY_RANK: &str = "priorityRank";
pub(crate) const IS_DONE: &str = "isDone";
pub(crate) const CATEGORIES: &str = "categories";

/// The fields. A tombstone has the first five alone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields {
    /// The task's id as 16 bytes: what a document is replaced by.
    pub(crate) id: Field,
    /// The upper and lower half of the id, to sort by.
    pub(crate) id_high: Field,
    pub(crate) id_low: Field,
    pub(crate) version: Field,
    pub(crate) deleted: Field,
    /// The event's `value`, byte for byte.
    pub(crate) source: Field,
    /// The words of the description, with their positions.
    pub(crate) description: Field,
    /// The first one to five characters of each word, with its position: a short beginning has very many words, but one
    /// entry here.
    pub(crate) beginnings: Field,
    pub(crate) priority_rank: Field,
    pub(crate) is_done: Field,
    pub(crate) parent_id: Field,
    pub(crate) external_id: Field,
    /// In lower case.
    pub(crate) categories: Field,
    /// Milliseconds since the Unix epoch, as all times.
    pub(crate) created_at: Field,
    pub(crate) updated_at: Field,
    pub(crate) start: Field,
    pub(crate) due: Field,
}

/// The schema and the handles of its fields.
pub(crate) fn schema() -> (Schema, Fields) {
    let mut builder = Schema::builder();
    let key = || BytesOptions::default().set_indexed();
    let fields = Fields {
        id: builder.add_bytes_field("id", key()),
        id_high: builder.add_u64_field(ID_HIGH, FAST),
        id_low: builder.add_u64_field(ID_LOW, FAST),
        version: builder.add_i64_field(VERSION, FAST),
        deleted: builder.add_bool_field(DELETED, FAST | INDEXED),
        source: builder.add_bytes_field("source", STORED),
        description: builder.add_text_field(
            "description",
            text(WORDS, IndexRecordOption::WithFreqsAndPositions),
        ),
        beginnings: builder.add_text_field(
            "beginnings",
            text(BEGINNINGS, IndexRecordOption::WithFreqsAndPositions),
        ),
        priority_rank: builder.add_i64_field(PRIORITY_RANK, FAST | INDEXED),
        is_done: builder.add_bool_field(IS_DONE, FAST | INDEXED),
        parent_id: builder.add_bytes_field("parentId", key()),
        external_id: builder.add_text_field("externalId", text(WHOLE, IndexRecordOption::Basic)),
        categories: builder.add_text_field(CATEGORIES, text(WHOLE, IndexRecordOption::Basic).set_fast(WHOLE)),
        created_at: builder.add_i64_field(CREATED_AT, FAST),
        updated_at: builder.add_i64_field(UPDATED_AT, FAST),
        start: builder.add_i64_field(START, FAST),
        due: builder.add_i64_field(DUE, FAST),
    };
    (builder.build(), fields)
}

fn text(tokenizer: &str, record: IndexRecordOption) -> TextOptions {
    let indexing = TextFieldIndexing::default()
        .set_tokenizer(tokenizer)
        .set_index_option(record)
        // How long a text is counts where its words are scored.
        .set_fieldnorms(tokenizer == WORDS);
    TextOptions::default().set_indexing_options(indexing)
}
