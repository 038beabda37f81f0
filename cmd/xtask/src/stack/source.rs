//! Where the engines come from: the environment, Docker, or this machine's own programs, in this order.

use anyhow::{Result, bail};

use super::{Kind, docker::Docker, urls::Urls};

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
/// Addresses in the environment that are those of our own stack, up or taken down, do not make it somebody else's:
/// that is what `. target/stack/env` leaves behind in a shell.
pub(crate) fn choose(
    only: Option<Kind>,
    given: Option<Urls>,
    started: Option<Kind>,
    own: &[Urls],
    docker_is_usable: impl Fn() -> bool,
) -> Result<Source> {
    if let Some(only) = only {
        if let Some(kind) = started
            && kind != only
        {
            bail!("a {} stack is up: `cargo xtask stack down` first", kind.name());
        }
        return Ok(Source::Ours(only));
    }
    if let Some(given) = given.filter(|given| !own.contains(given)) {
        return Ok(Source::Given(given));
    }
    if let Some(kind) = started {
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
    use super::{Kind, Source, Urls, choose};

    fn urls(database: &str) -> Urls {
        Urls {
            database: database.to_owned(),
            kafka: "k:1".to_owned(),
            elasticsearch: "http://e".to_owned(),
        }
    }

    #[test]
    fn the_environment_comes_before_docker_and_docker_before_native() {
        let decide = |given, docker: bool| choose(None, given, None, &[], || docker).unwrap();
        assert_eq!(decide(Some(urls("theirs")), true), Source::Given(urls("theirs")));
        assert_eq!(decide(None, true), Source::Ours(Kind::Docker));
        assert_eq!(decide(None, false), Source::Ours(Kind::Native));
    }

    #[test]
    fn a_shell_that_sourced_our_env_file_still_means_our_stack() {
        let own = [urls("ours")];
        let decide = |given| choose(None, Some(given), Some(Kind::Native), &own, || true).unwrap();
        assert_eq!(decide(urls("ours")), Source::Ours(Kind::Native));
        assert_eq!(decide(urls("theirs")), Source::Given(urls("theirs")));
    }

    #[test]
    fn a_shell_that_names_a_stack_taken_down_since_means_a_new_one_of_ours() {
        let decide =
            |started, own: &[Urls]| choose(None, Some(urls("before")), started, own, || false).unwrap();
        assert_eq!(decide(None, &[urls("before")]), Source::Ours(Kind::Native));
        assert_eq!(
            decide(Some(Kind::Docker), &[urls("now"), urls("before")]),
            Source::Ours(Kind::Docker)
        );
    }

    #[test]
    fn a_started_stack_keeps_its_kind() {
        let started = Some(Kind::Native);
        assert_eq!(
            choose(None, None, started, &[], || true).unwrap(),
            Source::Ours(Kind::Native)
        );
        assert!(choose(Some(Kind::Docker), None, started, &[], || true).is_err());
    }

    #[test]
    fn an_explicit_kind_overrules_the_environment() {
        let chosen = choose(Some(Kind::Native), Some(urls("theirs")), None, &[], || true).unwrap();
        assert_eq!(chosen, Source::Ours(Kind::Native));
    }
}
