//! An engine's client is used by its adapter and nowhere else. What only the adapter can name, only the adapter can come
//! to depend on, and an engine can be exchanged by writing one crate.

use super::{Violation, repository::Repository};

/// Each client and the one folder that may use it.
const CLIENTS: &[(&str, &str)] = &[
    ("sqlx", "internal/postgres"),
    ("rusqlite", "internal/sqlite"),
    ("rdkafka", "internal/kafka"),
    ("elasticsearch", "internal/elasticsearch"),
    ("tantivy", "internal/tantivy"),
];

/// Dependencies on a client from elsewhere. Tests look at engines from outside and may use any.
pub(crate) fn check(repository: &Repository) -> Vec<Violation> {
    let mut violations = Vec::new();
    for package in &repository.packages {
        let manifest = repository.relative(&package.manifest);
        let folder = manifest.trim_end_matches("/Cargo.toml");
        if folder == "internal/testkit" || folder.starts_with("tests/") {
            continue;
        }
        for dependency in &package.dependencies {
            let owner = CLIENTS.iter().find(|(client, _)| *client == dependency.name);
            if let Some((client, owner)) = owner
                && *owner != folder
            {
                violations.push(Violation::in_file(
                    &manifest,
                    format!("{client} is used in {owner} alone"),
                ));
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::{super::repository::of_packages, check};

    #[test]
    fn a_client_outside_its_adapter_is_refused_even_in_tests() {
        let repository = of_packages(&[
            ("internal/postgres", &["sqlx"]),
            ("internal/rest", &["sqlx", "axum"]),
            ("internal/kafka", &["rdkafka", "dev:elasticsearch"]),
            ("internal/testkit", &["sqlx", "rdkafka"]),
            ("tests/oracle", &["rdkafka"]),
        ]);
        let found = check(&repository);
        let found: Vec<(&str, &str)> = found
            .iter()
            .map(|it| (it.file.as_str(), it.reason.as_str()))
            .collect();
        assert_eq!(
            found,
            [
                (
                    "internal/rest/Cargo.toml",
                    "sqlx is used in internal/postgres alone"
                ),
                (
                    "internal/kafka/Cargo.toml",
                    "elasticsearch is used in internal/elasticsearch alone"
                ),
            ]
        );
    }
}
