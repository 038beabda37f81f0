//! The task index and the task search on Elasticsearch; tried on 9.2 and 8.19.
//!
//! [`ensure_generation`] finds or creates the index, [`ElasticsearchIndex`] writes to it, [`ElasticsearchSearch`]
//! searches it and says whether searches would work, [`ElasticsearchUpkeep`] purges tombstones and tells versions. One document per task; versions are external, so a stale
//! write loses; a deleted task stays as a tombstone that the search alias filters out.
//!
//! This crate must not decide when to try again (it says whether that can help), must not search or write past the
//! aliases, and must not let an engine's query syntax or error text reach a caller.

mod awaited_writes;
mod bulk;
mod bulk_answer;
mod bulk_body;
mod bulk_delivery;
mod bulk_metrics;
mod bulk_window;
mod classify;
mod client;
mod config;
mod engine_error;
mod generation;
mod health;
mod index_name;
mod mapping;
mod search;
mod search_body;
mod search_facets;
mod states;
mod tombstones;
mod upkeep;
mod url;
mod write_aliases;

pub use bulk::ElasticsearchIndex;
pub use client::{Client, ClientError};
pub use config::{ElasticsearchSettings, IndexSettings, SearchSettings};
pub use generation::{Generation, ensure_generation};
pub use index_name::IndexName;
pub use search::ElasticsearchSearch;
pub use upkeep::ElasticsearchUpkeep;
pub use url::ElasticsearchUrl;
