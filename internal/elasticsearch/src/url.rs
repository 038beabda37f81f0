//! The server's address, whose credentials must not show.

use std::ffi::OsStr;
use std::fmt;
use std::str::FromStr;

use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use elasticsearch::http::Url;
use percent_encoding::percent_decode_str;

/// An `http` or `https` URL, with credentials kept apart from the address. `Debug` shows the address alone.
#[derive(Clone, PartialEq, Eq)]
pub struct ElasticsearchUrl {
    address: Url,
    credentials: Option<(String, String)>,
}

impl ElasticsearchUrl {
    /// Where the server is, without credentials.
    pub(crate) fn address(&self) -> &Url {
        &self.address
    }

    /// User and password, percent-decoded.
    pub(crate) fn credentials(&self) -> Option<&(String, String)> {
        self.credentials.as_ref()
    }
}

impl FromStr for ElasticsearchUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        const EXPECTED: &str =
            "expected a URL such as http://127.0.0.1:9200 or https://user:password@search.example:9200";
        let mut address = Url::parse(text).map_err(|_| EXPECTED)?;
        if !matches!(address.scheme(), "http" | "https") || !address.has_host() {
            return Err(EXPECTED);
        }
        if address.query().is_some() || address.fragment().is_some() {
            return Err("the URL must not have a query or a fragment");
        }
        let credentials = match (address.username(), address.password()) {
            ("", None) => None,
            ("", Some(_)) => return Err("the URL has a password without a user"),
            (user, password) => Some((decoded(user)?, decoded(password.unwrap_or_default())?)),
        };
        // Neither can fail for a URL that has a host; a failure would leave the credentials in the address.
        address.set_username("").map_err(|()| EXPECTED)?;
        address.set_password(None).map_err(|()| EXPECTED)?;
        Ok(Self { address, credentials })
    }
}

fn decoded(text: &str) -> Result<String, &'static str> {
    let text = percent_decode_str(text).decode_utf8();
    text.map(|text| text.into_owned())
        .map_err(|_| "the user or password in the URL is not UTF-8 once percent-decoded")
}

impl fmt::Debug for ElasticsearchUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.address.as_str())
    }
}

/// clap's own message would repeat the value, and with it the password.
#[derive(Debug, Clone)]
pub(crate) struct UrlParser;

impl TypedValueParser for UrlParser {
    type Value = ElasticsearchUrl;

    fn parse_ref(
        &self,
        command: &clap::Command,
        _: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<ElasticsearchUrl, clap::Error> {
        let parsed = value.to_str().ok_or("the URL is not UTF-8").and_then(str::parse);
        parsed.map_err(|detail| {
            let message = format!("invalid value for '--elasticsearch-url' (ELASTICSEARCH_URL): {detail}\n");
            clap::Error::raw(ErrorKind::ValueValidation, message).with_cmd(command)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_taken_out_of_the_address_and_percent_decoded() {
        let url: ElasticsearchUrl = "https://me%40home:p%2Fw%3A+1@es.example:9200/under"
            .parse()
            .unwrap();
        assert_eq!(
            url.credentials(),
            Some(&("me@home".to_owned(), "p/w:+1".to_owned()))
        );
        assert_eq!(format!("{url:?}"), "https://es.example:9200/under");
    }

    #[test]
    fn what_is_no_http_url_is_refused() {
        for text in [
            "",
            "localhost:9200",
            "127.0.0.1:9200",
            "ftp://es",
            "http://",
            "http://es/?a=b",
            "http://es/#x",
            "http://:pw@es",
        ] {
            assert!(text.parse::<ElasticsearchUrl>().is_err(), "{text:?}");
        }
    }
}
