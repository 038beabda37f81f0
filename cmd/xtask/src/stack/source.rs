//! Where the engines come from: the environment, Docker, or this machine's own programs, in this order.

use anyhow::{Result, bail};

use super::{Kind, docker::Docker, state::State, urls::Urls};

/// What was decided.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Engines that somebody else runs.
    Given(Urls),
    /// Engines that this tool runs.
    Ours(Kind),
}

/// Decides from what the caller asked for, what the environment says and what this checkout has already started.
///
/// Addresses in the environment that are those of our own stack do not make it somebody else's: that is what
/// `. target/stack/env` leaves behind in a shell.
pub(crate) fn choose(
    only: Option<Kind>,
    given: Option<Urls>,
    started: Option<&State>,
    urls_of: impl Fn(&State) -> Urls,
    docker_is_usable: impl Fn() -> bool,
) -> Result<Source> {
    let started_kind = started.map(|state| state.kind);
    if let Some(only) = only {
        if let Some(kind) = started_kind
            && kind != only
        {
            bail!("a {} stack is up: `cargo xtask stack down` first", kind.name());
        }
        return Ok(Source::Ours(only));
    }
    if let Some(given) = given
        && started.map(urls_of) != Some(given.clone())
    {
        return Ok(Source::Given(given));
    }
    if let Some(kind) = started_kind {
        return Ok(Source::Ours(kind));
    }
    Ok(Source::Ours(if docker_is_usable() {
        Kind::Docker
    } else {
        Kind::Native
    }))
}

/// The real probe for `choose`.
pub(crate) fn docker_is_usable() -> bool {
    Docker::is_usable()
}

#[cfg(test)]
mod tests {
    use super::{super::ports::Ports, Kind, Source, State, Urls, choose};

    fn urls(database: &str) -> Urls {
        Urls {
            database: database.to_owned(),
            kafka: "k:1".to_owned(),
            elasticsearch: "http://e".to_owned(),
        }
    }

    fn state(kind: Kind) -> State {
        State {
            kind,
            ports: Ports::pick("0a1b2c3d").unwrap(),
            programs: None,
        }
    }

    fn ours(_: &State) -> Urls {
        urls("ours")
    }

    #[test]
    fn the_environment_comes_before_docker_and_docker_before_native() {
        let decide = |given, docker: bool| choose(None, given, None, ours, || docker).unwrap();
        assert_eq!(decide(Some(urls("theirs")), true), Source::Given(urls("theirs")));
        assert_eq!(decide(None, true), Source::Ours(Kind::Docker));
        assert_eq!(decide(None, false), Source::Ours(Kind::Native));
    }

    #[test]
    fn a_shell_that_sourced_our_env_file_still_means_our_stack() {
        let started = state(Kind::Native);
        let decide = |given| choose(None, Some(given), Some(&started), ours, || true).unwrap();
        assert_eq!(decide(urls("ours")), Source::Ours(Kind::Native));
        assert_eq!(decide(urls("theirs")), Source::Given(urls("theirs")));
    }

    #[test]
    fn a_started_stack_keeps_its_kind() {
        let started = state(Kind::Native);
        assert_eq!(
            choose(None, None, Some(&started), ours, || true).unwrap(),
            Source::Ours(Kind::Native)
        );
        assert!(choose(Some(Kind::Docker), None, Some(&started), ours, || true).is_err());
    }

    #[test]
    fn an_explicit_kind_overrules_the_environment() {
        let chosen = choose(Some(Kind::Native), Some(urls("theirs")), None, ours, || true).unwrap();
        assert_eq!(chosen, Source::Ours(Kind::Native));
    }
}
