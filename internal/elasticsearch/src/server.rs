//! Which server answers, and whether it is one that this crate can work with.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use elasticsearch::http::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use taskwire_domain::IndexFault;

use crate::classify::{self, Meaning};
use crate::client::{Client, JSON, Request};

/// How long one question may take.
const LIMIT: Duration = Duration::from_secs(5);

/// Who makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Product {
    Elasticsearch,
    OpenSearch,
}

impl Product {
    /// The oldest release that is supported: major and minor number. Before 2.11 OpenSearch passes over
    /// documents in walks (its pull requests 7453 and 9537, mended by 8391 and 9683).
    fn oldest(self) -> (u32, u32) {
        match self {
            Self::Elasticsearch => (7, 17),
            Self::OpenSearch => (2, 11),
        }
    }
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Elasticsearch => "Elasticsearch",
            Self::OpenSearch => "OpenSearch",
        })
    }
}

/// A server as it describes itself.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Server {
    product: Product,
    /// `9.2.4`
    version: String,
}

impl Server {
    /// Whether it is new enough. A version that is not a number is that of somebody who knows what they run.
    fn is_supported(&self) -> bool {
        let mut numbers = self.version.split(['.', '-']).map(str::parse);
        match (numbers.next(), numbers.next()) {
            (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= self.product.oldest(),
            _ => true,
        }
    }
}

/// Makes sure that the server is one that this crate can work with. A server that does not let us ask is taken for one.
///
/// # Errors
/// [`IndexFault::Retry`] while it is away or busy: wait and call again. [`IndexFault::Halt`], in one sentence, when it is
/// too old.
pub async fn check_server(client: &Client) -> Result<(), IndexFault> {
    let Some(server) = describe(client).await? else {
        tracing::debug!("the search server does not say which it is, and is taken as supported");
        return Ok(());
    };
    let Server { product, version } = &server;
    if server.is_supported() {
        tracing::info!(server.product = %product, server.version = version, "search server found");
        return Ok(());
    }
    let oldest = |product: Product| {
        let (major, minor) = product.oldest();
        format!("{product} {major}.{minor}")
    };
    Err(IndexFault::Halt {
        detail: format!(
            "ELASTICSEARCH_URL leads to {product} {version}, which is too old: the oldest that are supported are {} and {}; \
             upgrade it, or name another server",
            oldest(Product::Elasticsearch),
            oldest(Product::OpenSearch)
        ),
        cause: None,
    })
}

#[derive(Deserialize)]
struct Banner {
    version: BannerVersion,
}

#[derive(Deserialize)]
struct BannerVersion {
    number: String,
    /// Absent in Elasticsearch.
    #[serde(default)]
    distribution: Option<String>,
}

#[derive(Deserialize)]
struct Nodes {
    nodes: HashMap<String, Node>,
}

#[derive(Deserialize)]
struct Node {
    version: String,
    /// Absent in OpenSearch.
    #[serde(default)]
    build_flavor: Option<String>,
}

/// `None` when it does not say.
async fn describe(client: &Client) -> Result<Option<Server>, IndexFault> {
    let banner = ask::<Banner>(client, "", &[]).await?;
    if let Some(server) = banner.and_then(of_banner) {
        return Ok(Some(server));
    }
    // A server may not offer the first question, or not to us.
    let parameters = [("filter_path", "nodes.*.version,nodes.*.build_flavor")];
    let nodes = ask::<Nodes>(client, "_nodes/_local", &parameters).await?;
    Ok(nodes.and_then(of_node))
}

fn of_banner(banner: Banner) -> Option<Server> {
    let BannerVersion { number, distribution } = banner.version;
    let product = match distribution.as_deref() {
        Some("opensearch") => Product::OpenSearch,
        _ => Product::Elasticsearch,
    };
    // OpenSearch can be told to give itself out as Elasticsearch 7.10 here, for clients that would not speak to it. Then it
    // leaves its distribution out, so only the node tells it from the true one.
    let is_disguised = number.starts_with("7.10.");
    (!is_disguised).then_some(Server {
        product,
        version: number,
    })
}

fn of_node(nodes: Nodes) -> Option<Server> {
    let node = nodes.nodes.into_values().next()?;
    let product = match node.build_flavor {
        Some(_) => Product::Elasticsearch,
        None => Product::OpenSearch,
    };
    Some(Server {
        product,
        version: node.version,
    })
}

/// The answer, or `None` when there is none that tells anything.
async fn ask<T: DeserializeOwned>(
    client: &Client,
    path: &str,
    parameters: &[(&str, &str)],
) -> Result<Option<T>, IndexFault> {
    let request = Request {
        method: Method::Get,
        path,
        parameters,
        content_type: JSON,
        body: None,
        limit: LIMIT,
    };
    let answer = client.send(request).await.map_err(classify::unanswered)?;
    let error = answer.error();
    match classify::meaning(answer.status, error.as_ref()) {
        Meaning::Done => Ok(serde_json::from_slice(&answer.body).ok()),
        Meaning::Passing => Err(classify::passing(answer.status, error)),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn banner(text: &str) -> Option<(Product, String)> {
        let server = of_banner(serde_json::from_str(text).unwrap())?;
        Some((server.product, server.version))
    }

    #[test]
    fn a_server_is_known_by_what_it_says_at_its_door_or_of_its_node() {
        let elasticsearch =
            r#"{"version":{"number":"8.19.0","build_flavor":"default"},"tagline":"You Know, for Search"}"#;
        assert_eq!(
            banner(elasticsearch).unwrap(),
            (Product::Elasticsearch, "8.19.0".to_owned())
        );
        let opensearch = r#"{"version":{"distribution":"opensearch","number":"3.4.0"}}"#;
        assert_eq!(
            banner(opensearch).unwrap(),
            (Product::OpenSearch, "3.4.0".to_owned())
        );
        let disguised = r#"{"version":{"number":"7.10.2","build_flavor":"unknown"}}"#;
        assert_eq!(banner(disguised), None);
        let node = |text| of_node(serde_json::from_str(text).unwrap()).unwrap();
        let elasticsearch = node(r#"{"nodes":{"k":{"version":"7.17.29","build_flavor":"default"}}}"#);
        assert_eq!(elasticsearch.product, Product::Elasticsearch);
        let opensearch = node(r#"{"nodes":{"k":{"version":"3.4.0"}}}"#);
        assert_eq!(opensearch.product, Product::OpenSearch);
    }

    #[test]
    fn what_is_older_than_the_oldest_is_not_supported() {
        let is_supported = |product, version: &str| {
            Server {
                product,
                version: version.to_owned(),
            }
            .is_supported()
        };
        for (version, supported) in [
            ("6.8.23", false),
            ("7.10.2", false),
            ("7.16.3", false),
            ("7.17.0", true),
            ("8.0.0-SNAPSHOT", true),
            ("10.0.0", true),
            ("unknown", true),
        ] {
            assert_eq!(
                is_supported(Product::Elasticsearch, version),
                supported,
                "{version}"
            );
        }
        for (version, supported) in [
            ("1.3.20", false),
            ("2.10.0", false),
            ("2.11.0-rc1", true),
            ("3.4.0", true),
        ] {
            assert_eq!(is_supported(Product::OpenSearch, version), supported, "{version}");
        }
    }
}
