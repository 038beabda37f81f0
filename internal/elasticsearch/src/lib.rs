//! The task index and the task search on Elasticsearch and OpenSearch; `docs/search.md` says on which releases
//! it is tried.
//!
//! [`check_server`] says whether the server will do, [`ensure_generation`] finds or creates the index, [`ElasticsearchIndex`] writes to it, [`ElasticsearchSearch`]
//! searches it and says whether searches would work, [`ElasticsearchUpkeep`] purges tombstones and tells versions. One document per task; versions are external, so a stale
//! write loses; a deleted task stays as a tombstone that the search alias filters out.
//!
//! This crate must not decide when to try again (it says whether that can help), must not search or write past the
//! aliases, and must not let an engine's query syntax or error text reach a caller.

mod absence;
mod analysis;
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
mod kept_views;
mod likest_body;
mod mapping;
mod point_in_time;
mod presence;
mod search;
mod search_body;
mod search_facets;
mod server;
mod states;
mod tombstones;
mod upkeep;
mod url;
mod view_gone;
mod walk;
mod write_aliases;

pub use analysis::{AnalysisSettings, Language};
pub use bulk::ElasticsearchIndex;
pub use client::{Client, ClientError};
pub use config::{ElasticsearchSettings, IndexSettings, SearchSettings, WalkSettings};
pub use generation::{Generation, ensure_generation};
pub use index_name::IndexName;
pub use search::ElasticsearchSearch;
pub use server::check_server;
pub use upkeep::ElasticsearchUpkeep;
pub use url::ElasticsearchUrl;
