//! Settings of the API.

use crate::cross_origin::Origin;
use crate::rate_limit::{ClientKey, Rate};

/// How the API treats its callers.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "HTTP")]
pub struct RestConfig {
    /// Refuse a PUT, PATCH or DELETE without If-Match with 428
    #[arg(
        id = "rest_require_if_match",
        long = "require-if-match",
        env = "REQUIRE_IF_MATCH",
        default_value_t = false,
        default_missing_value = "true",
        num_args = 0..=1,
        require_equals = true,
        action = clap::ArgAction::Set,
        value_name = "BOOL"
    )]
    pub require_if_match: bool,

    /// Most requests worked on at once; one more is answered 503 with Retry-After at once, health checks excepted
    #[arg(id = "rest_max_requests", long = "max-requests", env = "MAX_REQUESTS", default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..=1_000_000), value_name = "REQUESTS")]
    pub max_requests: u32,

    /// Most connections that are served at once; on those beyond it, only health checks get an answer other than 503.
    /// Each takes a file descriptor, of which a process usually has 1,024
    #[arg(id = "rest_max_connections", long = "max-connections", env = "MAX_CONNECTIONS", default_value_t = 900, value_parser = clap::value_parser!(u32).range(1..=1_000_000), value_name = "CONNECTIONS")]
    pub max_connections: u32,

    /// Most requests of one client, as 100/s, 600/m or 5000/h; more are answered 429. Not limited when not given
    #[arg(
        id = "rest_rate_limit",
        long = "rate-limit",
        env = "RATE_LIMIT",
        value_name = "REQUESTS/TIME"
    )]
    pub rate_limit: Option<Rate>,

    /// How many requests a client that was quiet may send at once [default: the number in the rate limit]
    #[arg(id = "rest_rate_limit_burst", long = "rate-limit-burst", env = "RATE_LIMIT_BURST", value_parser = clap::value_parser!(u32).range(1..=1_000_000), value_name = "REQUESTS")]
    pub rate_limit_burst: Option<u32>,

    /// What tells one client from another: peer (the address that connects), forwarded-for (the last address in
    /// X-Forwarded-For, which the proxy in front must write), or header:NAME (a header whose value the gateway in
    /// front has checked)
    #[arg(
        id = "rest_rate_limit_key",
        long = "rate-limit-key",
        env = "RATE_LIMIT_KEY",
        default_value = "peer",
        value_name = "KEY"
    )]
    pub rate_limit_key: ClientKey,

    /// Origins whose pages may call the API from a browser, such as `https://app.example,https://other.example`, or * for all
    #[arg(
        id = "rest_cors_origins",
        long = "cors-origins",
        env = "CORS_ORIGINS",
        value_delimiter = ',',
        value_name = "ORIGINS"
    )]
    pub cors_origins: Vec<Origin>,
}

impl Default for RestConfig {
    /// What holds when nothing is set.
    fn default() -> Self {
        Self {
            require_if_match: false,
            max_requests: 512,
            max_connections: 900,
            rate_limit: None,
            rate_limit_burst: None,
            rate_limit_key: ClientKey::Peer,
            cors_origins: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[derive(Debug, Parser)]
    struct Program {
        #[command(flatten)]
        rest: RestConfig,
    }

    fn given(arguments: &[&str]) -> Result<RestConfig, String> {
        let program = Program::try_parse_from([&["program"], arguments].concat());
        program
            .map(|program| program.rest)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_arguments_are_sound() {
        Program::command().debug_assert();
    }

    #[test]
    fn nothing_set_is_the_default() {
        let (given, default) = (given(&[]).unwrap(), RestConfig::default());
        assert_eq!(format!("{given:?}"), format!("{default:?}"));
    }

    #[test]
    fn a_precondition_is_required_by_a_bare_flag_or_a_value() {
        assert!(given(&["--require-if-match"]).unwrap().require_if_match);
        assert!(given(&["--require-if-match=true"]).unwrap().require_if_match);
        assert!(!given(&["--require-if-match=false"]).unwrap().require_if_match);
    }

    #[test]
    fn what_is_wrong_with_a_value_is_said() {
        for (argument, reason) in [
            ("--rate-limit=100", "100/s"),
            ("--rate-limit=0/s", "at least 1"),
            ("--rate-limit-key=cookie", "forwarded-for"),
            ("--rate-limit-key=header:a b", "header"),
            ("--cors-origins=app.example", "https://"),
            ("--cors-origins=https://app.example/", "path"),
            ("--max-requests=0", "1..=1000000"),
        ] {
            let error = given(&[argument]).unwrap_err();
            assert!(error.contains(reason), "{argument}: {error}");
        }
    }
}
