//! Dependencies between our crates point one way. An edge that is not in the table is refused, so that the table, and
//! with it the architecture, is changed on purpose or not at all: a boundary nobody checks is a boundary that leaks.

use super::{Violation, repository::Repository};
use crate::cargo::Package;

const PREFIX: &str = "taskwire-";

/// Who may use whom, by folder name; a crate that is not named here may not exist.
const ALLOWED: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("telemetry", &[]),
    ("lifecycle", &[]),
    ("service", &["domain"]),
    ("dispatch", &["domain"]),
    ("relay", &["domain"]),
    ("purge", &["domain"]),
    ("restoration", &["domain"]),
    ("rest", &["service", "domain"]),
    ("indexer", &["dispatch", "domain"]),
    ("postgres", &["domain"]),
    ("sqlite", &["domain"]),
    ("kafka", &["domain"]),
    ("elasticsearch", &["domain"]),
    ("tantivy", &["domain"]),
    (
        "rest-server",
        &[
            "rest",
            "relay",
            "purge",
            "restoration",
            "service",
            "postgres",
            "kafka",
            "elasticsearch",
            "telemetry",
            "lifecycle",
            "domain",
        ],
    ),
    (
        "search-indexer",
        &[
            "indexer",
            "dispatch",
            "kafka",
            "elasticsearch",
            // Its metrics and health are served over HTTP.
            "rest",
            "telemetry",
            "lifecycle",
            "domain",
        ],
    ),
    (
        "standalone",
        &[
            "rest",
            "purge",
            "service",
            "indexer",
            "dispatch",
            "sqlite",
            "tantivy",
            "telemetry",
            "lifecycle",
            "domain",
        ],
    ),
    ("xtask", &[]),
    // Rules of ports, which know no adapter.
    ("conformance", &["domain"]),
    // Seen from outside: what they check, they may not be built from.
    ("testkit", &[]),
    ("oracle", &["testkit"]),
    ("e2e", &["testkit", "oracle"]),
    ("bench", &["testkit", "e2e"]),
    ("faults", &["oracle", "e2e"]),
    // The decisions that ship, between models of the engines.
    ("simulation", &["relay", "dispatch", "indexer", "domain"]),
    // Programs of its own that are ours with a port exchanged for a wrong one, so it has to use both whole.
    (
        "mutants",
        &[
            "rest-server",
            "search-indexer",
            "elasticsearch",
            "domain",
            "testkit",
            "oracle",
            "e2e",
        ],
    ),
    // Relays on real engines, with ports wrapped.
    (
        "leadership",
        &[
            "relay",
            "postgres",
            "kafka",
            "domain",
            "conformance",
            "testkit",
            "oracle",
            "e2e",
        ],
    ),
    // Compares two adapters, so it has to use both.
    (
        "search-equality",
        &[
            "elasticsearch",
            "tantivy",
            "domain",
            "conformance",
            "testkit",
            "e2e",
        ],
    ),
];

/// Used by tests alone.
const FOR_TESTS: [&str; 2] = ["conformance", "testkit"];

/// Edges between our crates that the table does not have.
pub(crate) fn check(repository: &Repository) -> Vec<Violation> {
    repository
        .packages
        .iter()
        .flat_map(|package| check_package(repository, package))
        .collect()
}

fn check_package(repository: &Repository, package: &Package) -> Vec<Violation> {
    let manifest = repository.relative(&package.manifest);
    let Some(user) = package.name.strip_prefix(PREFIX) else {
        return vec![Violation::in_file(
            &manifest,
            format!("a package is named {PREFIX}<folder>"),
        )];
    };
    let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| *name == user) else {
        return vec![Violation::in_file(
            &manifest,
            "a new crate: give it a line in the table of tidy/edges.rs",
        )];
    };
    let mut violations = Vec::new();
    for dependency in &package.dependencies {
        let Some(used) = dependency.name.strip_prefix(PREFIX) else {
            continue;
        };
        // Any crate's tests may use these; nothing that ships may.
        let for_tests = dependency.dev && FOR_TESTS.contains(&used) && user != "xtask";
        if !for_tests && !allowed.contains(&used) {
            let kind = if dependency.dev { "in its tests " } else { "" };
            violations.push(Violation::in_file(
                &manifest,
                format!("{user} may not {kind}depend on {used}"),
            ));
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::{super::repository::of_packages, ALLOWED, check};

    fn reasons(packages: &[(&str, &[&str])]) -> Vec<String> {
        check(&of_packages(packages))
            .into_iter()
            .map(|violation| violation.reason)
            .collect()
    }

    #[test]
    fn an_edge_outside_the_table_is_refused() {
        assert_eq!(
            reasons(&[(
                "internal/rest",
                &["taskwire-service", "taskwire-postgres", "axum"]
            )]),
            ["rest may not depend on postgres"]
        );
        assert_eq!(
            reasons(&[("internal/domain", &["taskwire-service"])]),
            ["domain may not depend on service"]
        );
    }

    #[test]
    fn what_is_for_tests_does_not_ship() {
        assert!(reasons(&[("internal/sqlite", &["dev:taskwire-conformance"])]).is_empty());
        assert_eq!(
            reasons(&[("internal/sqlite", &["taskwire-conformance"])]),
            ["sqlite may not depend on conformance"]
        );
        assert!(reasons(&[("internal/kafka", &["dev:taskwire-testkit"])]).is_empty());
        assert!(reasons(&[("tests/oracle", &["taskwire-testkit"])]).is_empty());
        assert_eq!(
            reasons(&[("internal/kafka", &["taskwire-testkit"])]),
            ["kafka may not depend on testkit"]
        );
        assert_eq!(
            reasons(&[("internal/kafka", &["dev:taskwire-postgres"])]),
            ["kafka may not in its tests depend on postgres"]
        );
    }

    #[test]
    fn a_crate_without_a_line_is_refused() {
        assert_eq!(reasons(&[("internal/new", &[])]).len(), 1);
    }

    #[test]
    fn the_table_has_no_way_round_in_a_circle_and_leads_to_no_binary() {
        for (user, used) in ALLOWED {
            for used in *used {
                let (_, back) = ALLOWED.iter().find(|(name, _)| name == used).unwrap();
                assert!(!back.contains(user), "{user} and {used} use one another");
                assert!(
                    *user == "mutants"
                        || !["standalone", "rest-server", "search-indexer", "xtask"].contains(used),
                    "{user} uses a binary"
                );
            }
        }
    }
}
