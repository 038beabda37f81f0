//! What is made of a description's words besides lower case: settings that need filters of the server which not every
//! server has.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;
use elasticsearch::http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use taskwire_domain::IndexFault;

use crate::classify::{self, Meaning};
use crate::client::{Client, JSON, Request};

/// How words are compared. Both settings belong to an index: one that was made with others is not used. Who searches needs
/// neither, for what is typed is analysed by the index.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
#[serde(rename_all = "camelCase", default)]
pub struct AnalysisSettings {
    /// The language whose endings are forgiven, as the server names its stemmer: english, german, light_french, ...; it is
    /// decided when the index is created. Without one every ending counts
    #[arg(
        id = "elasticsearch_language",
        long = "elasticsearch-language",
        env = "ELASTICSEARCH_LANGUAGE",
        value_name = "LANGUAGE"
    )]
    pub language: Option<Language>,

    /// Whether letters are compared without their accents; it is decided when the index is created
    #[arg(id = "elasticsearch_fold_accents", long = "elasticsearch-fold-accents", env = "ELASTICSEARCH_FOLD_ACCENTS", default_value_t = false, action = clap::ArgAction::Set, value_name = "BOOL")]
    pub fold_accents: bool,
}

/// A stemmer's name: 1 to 40 lower-case ASCII letters, digits and `_`. Which there are is the server's knowledge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Language(String);

impl Language {
    const MAX_BYTES: usize = 40;
}

impl FromStr for Language {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if text.is_empty() || text.len() > Self::MAX_BYTES || !text.bytes().all(is_allowed) {
            return Err(
                "a language is named as the server names its stemmer, in lower case: english, light_french",
            );
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The field that holds the stems, beside the words as they were written. Every search asks for it: the index alone knows
/// the language, so that it cannot be another one there; in one without stems that part of a query matches nothing.
pub(crate) const STEMS_FIELD: &str = "description.stems";

impl AnalysisSettings {
    /// The index's `analysis`, besides the tokenizer.
    pub(crate) fn analyzers(&self) -> Value {
        let custom = |filters: &[&str]| json!({ "type": "custom", "tokenizer": "words", "filter": filters });
        let words = self.filters();
        let mut analyzers = json!({ "words": custom(&words) });
        if self.language.is_some() {
            analyzers["stems"] = custom(&[words.as_slice(), &["stem"]].concat());
        }
        analyzers
    }

    /// The filters that are not the server's own by name alone.
    pub(crate) fn own_filters(&self) -> Value {
        match &self.language {
            Some(language) => json!({ "stem": { "type": "stemmer", "language": language } }),
            None => json!({}),
        }
    }

    /// What the description has besides its words.
    pub(crate) fn fields(&self) -> Value {
        match &self.language {
            // Nothing but whether a stem occurs is asked: no positions, no lengths.
            Some(_) => {
                json!({ "stems": { "type": "text", "analyzer": "stems", "norms": false, "index_options": "docs" } })
            }
            None => json!({}),
        }
    }

    fn filters(&self) -> Vec<&'static str> {
        match self.fold_accents {
            // Before the stemmer, so that it finds the same ending with and without accents.
            true => vec!["lowercase", "asciifolding"],
            false => vec!["lowercase"],
        }
    }

    /// The first of these settings that differs from what an index was made with, its value there and its value here.
    fn difference(&self, made_with: &Self) -> Option<(&'static str, String, String)> {
        let language = |settings: &Self| {
            let language = settings.language.as_ref();
            language.map_or_else(|| "no language".to_owned(), Language::to_string)
        };
        let fold = |settings: &Self| settings.fold_accents.to_string();
        let settings = [
            ("ELASTICSEARCH_LANGUAGE", language(made_with), language(self)),
            ("ELASTICSEARCH_FOLD_ACCENTS", fold(made_with), fold(self)),
        ];
        settings.into_iter().find(|(_, there, here)| there != here)
    }

    /// Refuses an index that was made with others, with what to do.
    pub(crate) fn compare(&self, index: &str, made_with: &Self) -> Result<(), String> {
        let Some((setting, there, here)) = self.difference(made_with) else {
            return Ok(());
        };
        Err(format!(
            "the index {index} was made with {setting} of {there}, and {here} is set; it has to be built anew: delete it, or set \
             ELASTICSEARCH_INDEX to another name, and the topic is read from its beginning; or put the setting back, and restart"
        ))
    }
}

/// Makes sure that the server has what the settings need. Asks nothing when they need nothing.
///
/// # Errors
/// [`IndexFault::Halt`], naming the setting and what the server lacks; [`IndexFault::Retry`] while it is away.
pub(crate) async fn ensure_offered(
    client: &Client,
    settings: &AnalysisSettings,
    limit: Duration,
) -> Result<(), IndexFault> {
    if settings.fold_accents {
        let remedy = "use a server with the module analysis-common, or leave the setting out";
        try_filter(client, json!("asciifolding"), limit, |said| {
            format!("ELASTICSEARCH_FOLD_ACCENTS is true, but the server has no filter asciifolding ({said}): {remedy}")
        })
        .await?;
    }
    if let Some(language) = &settings.language {
        let filter = json!({ "type": "stemmer", "language": language });
        try_filter(client, filter, limit, |said| {
            format!(
                "ELASTICSEARCH_LANGUAGE is {language}, but the server has no stemmer of that name ({said}): name one that it \
                 has, use a server with the module analysis-common, or leave the setting out"
            )
        })
        .await?;
    }
    Ok(())
}

/// Has the server analyse a word with it.
async fn try_filter(
    client: &Client,
    filter: Value,
    limit: Duration,
    sentence: impl FnOnce(String) -> String,
) -> Result<(), IndexFault> {
    let body = json!({ "tokenizer": "standard", "filter": ["lowercase", filter], "text": "word" });
    let request = Request {
        method: Method::Post,
        path: "_analyze",
        parameters: &[("filter_path", "tokens.token,error,status")],
        content_type: JSON,
        body: Some(Bytes::from(body.to_string())),
        limit,
    };
    let answer = client.send(request).await.map_err(classify::unanswered)?;
    let error = answer.error();
    match (answer.status, classify::meaning(answer.status, error.as_ref())) {
        (_, Meaning::Done) => Ok(()),
        (_, Meaning::Passing) => Err(classify::passing(answer.status, error)),
        (400, _) => Err(IndexFault::Halt {
            detail: sentence(error.map_or_else(|| "400".to_owned(), |error| error.reason)),
            cause: None,
        }),
        // Not allowed to ask: the creation of the index will tell.
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(language: &str, fold_accents: bool) -> AnalysisSettings {
        AnalysisSettings {
            language: Some(language.parse().unwrap()),
            fold_accents,
        }
    }

    #[test]
    fn without_settings_nothing_is_made_of_words_but_lower_case() {
        let none = AnalysisSettings::default();
        let words = json!({ "words": { "type": "custom", "tokenizer": "words", "filter": ["lowercase"] } });
        assert_eq!(none.analyzers(), words);
        assert_eq!((none.own_filters(), none.fields()), (json!({}), json!({})));
    }

    #[test]
    fn stems_stand_beside_the_words_and_accents_go_before_endings() {
        let both = settings("german", true);
        let analyzers = both.analyzers();
        assert_eq!(analyzers["words"]["filter"], json!(["lowercase", "asciifolding"]));
        assert_eq!(
            analyzers["stems"]["filter"],
            json!(["lowercase", "asciifolding", "stem"])
        );
        assert_eq!(both.own_filters()["stem"]["language"], "german");
        assert_eq!(both.fields()["stems"]["analyzer"], "stems");
    }

    #[test]
    fn an_index_made_with_other_settings_is_refused_by_the_name_of_the_setting() {
        let (german, none) = (settings("german", false), AnalysisSettings::default());
        let sentence = german.compare("t", &none).unwrap_err();
        let wanted = "made with ELASTICSEARCH_LANGUAGE of no language, and german is set";
        assert!(sentence.contains(wanted), "{sentence}");
        let sentence = settings("german", true).compare("t", &german).unwrap_err();
        assert!(
            sentence.contains("ELASTICSEARCH_FOLD_ACCENTS of false"),
            "{sentence}"
        );
        german.compare("t", &german).unwrap();
    }

    #[test]
    fn a_language_is_a_plain_name() {
        for language in ["english", "light_french", "german2"] {
            assert_eq!(language.parse::<Language>().unwrap().to_string(), language);
        }
        for language in ["", "English", "a b", "a\"b", "français", &"a".repeat(41)] {
            assert!(language.parse::<Language>().is_err(), "{language}");
        }
    }
}
