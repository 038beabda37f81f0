//! Settings.

use std::time::Duration;

use crate::bulk_window::Window;
use crate::url::UrlParser;
use crate::{AnalysisSettings, ElasticsearchUrl, IndexName};

/// Where the index is.
#[derive(Debug, Clone, clap::Args)]
pub struct ElasticsearchSettings {
    /// Elasticsearch's address; user and password may stand in it, percent-encoded
    #[arg(id = "elasticsearch_url", long = "elasticsearch-url", env = "ELASTICSEARCH_URL", hide_env_values = true, value_name = "URL", value_parser = UrlParser)]
    pub url: ElasticsearchUrl,

    /// The name (an alias) under which tasks are searched; the indices behind it are called the same with -v1-000001 and so on appended
    #[arg(
        id = "elasticsearch_index",
        long = "elasticsearch-index",
        env = "ELASTICSEARCH_INDEX",
        value_name = "NAME",
        default_value = "tasks"
    )]
    pub index: IndexName,
}

/// How searches are made.
#[derive(Debug, Clone, clap::Args)]
pub struct SearchSettings {
    // Below the 10 seconds that a request may take as a whole: beyond them it would be answered with 504 first.
    /// How long Elasticsearch may take for a search, in milliseconds, before it is answered with 503
    #[arg(id = "elasticsearch_search_limit_ms", long = "elasticsearch-search-limit-ms", env = "ELASTICSEARCH_SEARCH_LIMIT_MS", value_name = "MS", default_value_t = 2_000, value_parser = clap::value_parser!(u64).range(10..=8_000))]
    pub search_limit_ms: u64,
}

/// How walks by cursor keep their views of the index.
#[derive(Debug, Clone, clap::Args)]
pub struct WalkSettings {
    /// How long a walk by cursor may pause between two pages, in milliseconds; after that its cursor is answered with 410
    #[arg(id = "elasticsearch_cursor_idle_ms", long = "elasticsearch-cursor-idle-ms", env = "ELASTICSEARCH_CURSOR_IDLE_MS", value_name = "MS", default_value_t = Self::default().cursor_idle_ms, value_parser = clap::value_parser!(u64).range(1_000..=3_600_000))]
    pub cursor_idle_ms: u64,

    /// Most walks by cursor that one process keeps open at one time, each by a point in time. Beyond it the one that was not used for longest is closed
    #[arg(id = "elasticsearch_cursors", long = "elasticsearch-cursors", env = "ELASTICSEARCH_CURSORS", value_name = "N", default_value_t = Self::default().cursors, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub cursors: u16,
}

impl Default for WalkSettings {
    fn default() -> Self {
        Self {
            cursor_idle_ms: 60_000,
            cursors: 100,
        }
    }
}

impl WalkSettings {
    pub(crate) fn cursor_idle(&self) -> Duration {
        Duration::from_millis(self.cursor_idle_ms)
    }
}

/// How the index is created and written. Shards, replicas and refresh matter at its creation alone: a later change of them does
/// not reach an index that exists.
#[derive(Debug, Clone, clap::Args)]
pub struct IndexSettings {
    /// Primary shards of a new index
    #[arg(id = "elasticsearch_shards", long = "elasticsearch-shards", env = "ELASTICSEARCH_SHARDS", value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub shards: u16,

    /// Copies of each shard of a new index besides the primary; each needs a node of its own
    #[arg(id = "elasticsearch_replicas", long = "elasticsearch-replicas", env = "ELASTICSEARCH_REPLICAS", value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=32))]
    pub replicas: u16,

    /// After how many milliseconds a write to a new index becomes searchable, at the latest
    #[arg(id = "elasticsearch_refresh_ms", long = "elasticsearch-refresh-ms", env = "ELASTICSEARCH_REFRESH_MS", value_name = "MS", default_value_t = 500, value_parser = clap::value_parser!(u64).range(50..=3_600_000))]
    pub refresh_ms: u64,

    /// How long Elasticsearch may take for one request of the indexer, in milliseconds
    #[arg(id = "elasticsearch_write_limit_ms", long = "elasticsearch-write-limit-ms", env = "ELASTICSEARCH_WRITE_LIMIT_MS", value_name = "MS", default_value_t = 30_000, value_parser = clap::value_parser!(u64).range(100..=600_000))]
    pub write_limit_ms: u64,

    /// The greatest body of one bulk request, in bytes. It is split where the server takes less (413)
    #[arg(id = "elasticsearch_bulk_bytes", long = "elasticsearch-bulk-bytes", env = "ELASTICSEARCH_BULK_BYTES", value_name = "BYTES", default_value_t = 2 * 1024 * 1024, value_parser = clap::value_parser!(u64).range(1_024..=100_000_000))]
    pub bulk_bytes: u64,

    /// Most bytes of bulk requests on their way at one time, and so how many of them; at least one. Fewer while the server
    /// answers that it is busy
    #[arg(id = "elasticsearch_in_flight_bytes", long = "elasticsearch-in-flight-bytes", env = "ELASTICSEARCH_IN_FLIGHT_BYTES", value_name = "BYTES", default_value_t = 8 * 1024 * 1024, value_parser = clap::value_parser!(u64).range(1_024..=1_000_000_000))]
    pub in_flight_bytes: u64,

    /// How words are compared. An index that was made otherwise is not used.
    #[command(flatten)]
    pub analysis: AnalysisSettings,
}

impl SearchSettings {
    pub(crate) fn search_limit(&self) -> Duration {
        Duration::from_millis(self.search_limit_ms)
    }
}

impl IndexSettings {
    pub(crate) fn write_limit(&self) -> Duration {
        Duration::from_millis(self.write_limit_ms)
    }

    pub(crate) fn bulk_window(&self) -> Window {
        let bytes = |setting| usize::try_from(setting).unwrap_or(usize::MAX);
        Window::new(bytes(self.bulk_bytes), bytes(self.in_flight_bytes))
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[derive(Debug, Parser)]
    struct All {
        #[command(flatten)]
        elasticsearch: ElasticsearchSettings,
        #[command(flatten)]
        search: SearchSettings,
        #[command(flatten)]
        walk: WalkSettings,
        #[command(flatten)]
        index: IndexSettings,
    }

    #[test]
    fn everything_but_the_url_has_a_default() {
        All::command().debug_assert();
        let all = All::try_parse_from(["x", "--elasticsearch-url", "http://127.0.0.1:9200"]).unwrap();
        assert_eq!(all.elasticsearch.index.as_str(), "tasks");
        assert_eq!(
            (all.index.shards, all.index.replicas, all.index.refresh_ms),
            (1, 0, 500)
        );
        assert_eq!(all.search.search_limit(), Duration::from_secs(2));
        assert_eq!(
            (all.walk.cursor_idle(), all.walk.cursors),
            (Duration::from_secs(60), 100)
        );
        assert_eq!(all.index.write_limit(), Duration::from_secs(30));
        assert_eq!(all.index.bulk_window().bytes(), 8 * 1024 * 1024);
        assert_eq!(all.index.analysis, AnalysisSettings::default());
    }

    #[test]
    fn a_wrong_url_is_named_and_its_password_is_not_shown() {
        let error =
            All::try_parse_from(["x", "--elasticsearch-url", "ftp://me:hunter2@es:9200"]).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("ELASTICSEARCH_URL") && text.contains("--elasticsearch-url"),
            "{text}"
        );
        assert!(!text.contains("hunter2"), "{text}");
        assert_eq!(error.exit_code(), 2);
    }

    #[test]
    fn a_wrong_index_name_is_named() {
        let wrong = [
            "x",
            "--elasticsearch-url",
            "http://es:9200",
            "--elasticsearch-index",
            "Tasks",
        ];
        let text = All::try_parse_from(wrong).unwrap_err().to_string();
        assert!(
            text.contains("--elasticsearch-index") && text.contains("begins with a letter"),
            "{text}"
        );
    }

    #[test]
    fn settings_do_not_print_a_password() {
        let all = All::try_parse_from(["x", "--elasticsearch-url", "http://me:hunter2@es:9200"]).unwrap();
        assert!(!format!("{all:?}").contains("hunter2"));
    }
}
