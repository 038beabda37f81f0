//! The three addresses that everything else needs to know, and where they come from.

use std::{
    net::{TcpStream, ToSocketAddrs},
    time::Duration,
};

use anyhow::{Context, Result, bail};

/// Name of the variable that leads to PostgreSQL.
pub(crate) const DATABASE_URL: &str = "DATABASE_URL";
/// Name of the variable that leads to Kafka.
pub(crate) const KAFKA_BROKERS: &str = "KAFKA_BROKERS";
/// Name of the variable that leads to Elasticsearch.
pub(crate) const ELASTICSEARCH_URL: &str = "ELASTICSEARCH_URL";

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Where the three engines answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Urls {
    /// `postgres://user[:password]@host:port/database`
    pub(crate) database: String,
    /// `host:port[,host:port...]`
    pub(crate) kafka: String,
    /// `http://host:port`
    pub(crate) elasticsearch: String,
}

impl Urls {
    /// Takes the three variables through `lookup`: all, none, or an error that names those missing.
    pub(crate) fn from_variables(lookup: impl Fn(&str) -> Option<String>) -> Result<Option<Self>> {
        let find = |name| lookup(name).filter(|value| !value.trim().is_empty());
        match (find(DATABASE_URL), find(KAFKA_BROKERS), find(ELASTICSEARCH_URL)) {
            (Some(database), Some(kafka), Some(elasticsearch)) => Ok(Some(Self {
                database,
                kafka,
                elasticsearch,
            })),
            (None, None, None) => Ok(None),
            (database, kafka, elasticsearch) => {
                let given = [
                    (DATABASE_URL, database),
                    (KAFKA_BROKERS, kafka),
                    (ELASTICSEARCH_URL, elasticsearch),
                ];
                let named = |set: bool| {
                    let names = given
                        .iter()
                        .filter(|(_, value)| value.is_some() == set)
                        .map(|(name, _)| *name);
                    names.collect::<Vec<_>>().join(" and ")
                };
                bail!(
                    "set {} too, or unset {}: engines are either all yours or all started for you",
                    named(false),
                    named(true)
                )
            }
        }
    }

    /// The variables by name, in the order they are written.
    pub(crate) fn variables(&self) -> [(&'static str, &str); 3] {
        [
            (DATABASE_URL, &self.database),
            (KAFKA_BROKERS, &self.kafka),
            (ELASTICSEARCH_URL, &self.elasticsearch),
        ]
    }

    /// Whether something listens behind each of the three.
    pub(crate) fn reached(&self) -> [bool; 3] {
        self.variables()
            .map(|(name, value)| is_reached(name, value).unwrap_or(false))
    }

    /// Fails, naming the variable, when nothing listens behind one of the three.
    pub(crate) fn check_reachable(&self) -> Result<()> {
        for (name, value) in self.variables() {
            if !is_reached(name, value)? {
                bail!(
                    "nothing answers at {name} ({}): start that engine, or unset {DATABASE_URL}, {KAFKA_BROKERS} and \
                     {ELASTICSEARCH_URL} to have engines started for you",
                    without_password(value)
                );
            }
        }
        Ok(())
    }
}

fn is_reached(name: &str, value: &str) -> Result<bool> {
    Ok(addresses(name, value)?
        .iter()
        .any(|address| is_listening(address)))
}

/// Whether a TCP connection to `host:port` can be made.
pub(crate) fn is_listening(address: &str) -> bool {
    address.to_socket_addrs().is_ok_and(|mut found| {
        found.any(|socket| TcpStream::connect_timeout(&socket, CONNECT_TIMEOUT).is_ok())
    })
}

/// The value with the password of its user information masked, fit to be printed.
pub(crate) fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(authority_end);
    match authority.rsplit_once('@') {
        Some((user, host)) => match user.split_once(':') {
            Some((name, _)) => format!("{scheme}://{name}:***@{host}{tail}"),
            None => url.to_owned(),
        },
        None => url.to_owned(),
    }
}

/// The `host:port` pairs of one variable's value; a URL without a port gets its scheme's.
fn addresses(name: &str, value: &str) -> Result<Vec<String>> {
    if name == KAFKA_BROKERS {
        return Ok(value.split(',').map(|broker| broker.trim().to_owned()).collect());
    }
    let (scheme, rest) = value
        .split_once("://")
        .with_context(|| format!("{name} is no URL: {}", without_password(value)))?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let port = match scheme {
        "postgres" | "postgresql" => 5432,
        "https" => 443,
        "http" => 80,
        _ => bail!("{name} has the scheme `{scheme}`, which leads to no engine known here"),
    };
    let has_port = host
        .rsplit_once(':')
        .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    Ok(vec![if has_port {
        host.to_owned()
    } else {
        format!("{host}:{port}")
    }])
}

#[cfg(test)]
mod tests {
    use super::{Urls, addresses, without_password};

    fn from(pairs: &[(&str, &str)]) -> anyhow::Result<Option<Urls>> {
        Urls::from_variables(|name| {
            pairs
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn all_three_variables_are_engines_of_your_own() {
        let urls = from(&[
            ("DATABASE_URL", "postgres://h/d"),
            ("KAFKA_BROKERS", "h:1"),
            ("ELASTICSEARCH_URL", "http://h"),
        ]);
        assert_eq!(urls.unwrap().unwrap().kafka, "h:1");
    }

    #[test]
    fn no_variable_or_an_empty_one_leaves_the_choice_to_us() {
        assert_eq!(from(&[]).unwrap(), None);
        assert_eq!(from(&[("DATABASE_URL", " ")]).unwrap(), None);
    }

    #[test]
    fn a_half_set_environment_names_what_is_missing() {
        let error = from(&[("KAFKA_BROKERS", "h:1")]).unwrap_err().to_string();
        assert!(
            error.starts_with("set DATABASE_URL and ELASTICSEARCH_URL too, or unset KAFKA_BROKERS:"),
            "{error}"
        );
    }

    #[test]
    fn an_address_is_found_in_every_form_of_url() {
        let found = |name, value| addresses(name, value).unwrap().join(" ");
        assert_eq!(
            found("DATABASE_URL", "postgres://u:p@db.example/tasks?sslmode=require"),
            "db.example:5432"
        );
        assert_eq!(
            found("DATABASE_URL", "postgresql://u@127.0.0.1:6000/tasks"),
            "127.0.0.1:6000"
        );
        assert_eq!(found("KAFKA_BROKERS", "a:1, b:2"), "a:1 b:2");
        assert_eq!(found("ELASTICSEARCH_URL", "https://search"), "search:443");
        assert!(addresses("DATABASE_URL", "mysql://h/d").is_err());
    }

    #[test]
    fn a_password_is_never_printed() {
        assert_eq!(
            without_password("postgres://u:p@ss@h:1/d"),
            "postgres://u:***@h:1/d"
        );
        assert_eq!(without_password("postgres://u@h:1/d"), "postgres://u@h:1/d");
        assert_eq!(without_password("h:1"), "h:1");
    }
}
