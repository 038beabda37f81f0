//! The search for the tasks that are likest to a text, in the server's words.

use std::time::Duration;

use serde_json::{Value, json};
use taskwire_domain::{MistypedText, MistypedWord, SearchFilter};

use crate::search_body::{filters, one_after_the_other};

/// The body of the request. A task's score is how many typos it is not away: a point for each word that is near enough,
/// and one more for each typo fewer.
pub(crate) fn likest_body(text: &MistypedText, filter: &SearchFilter, server_limit: Duration) -> Value {
    let words = text.words().iter();
    let nearer = words.clone().flat_map(|word| {
        let fewer = 0..word.typos();
        fewer.map(|typos| point(vec![like(word, typos)], word))
    });
    let near = words.map(|word| {
        let respaced = word
            .respaced
            .iter()
            .map(|words| one_after_the_other(&words.join(" ")));
        let near = std::iter::once(like(word, word.typos())).chain(respaced);
        point(near.collect(), word)
    });
    let excluded = text
        .excluded()
        .iter()
        .map(|words| one_after_the_other(&words.join(" ")));
    json!({
        "query": { "bool": {
            "filter": filters(filter),
            "must": near.collect::<Vec<_>>(),
            "should": nearer.collect::<Vec<_>>(),
            "must_not": excluded.collect::<Vec<_>>(),
        }},
        "sort": ["_score", { "createdAt": "desc" }, { "id": "asc" }],
        "size": MistypedText::LIKEST,
        "track_total_hits": true,
        "timeout": format!("{}ms", server_limit.as_millis()),
    })
}

/// One point for any of these, or for a beginning where the word may be one.
fn point(mut any: Vec<Value>, word: &MistypedWord) -> Value {
    if word.is_open {
        any.push(json!({ "match_bool_prefix": { "description": word.word } }));
    }
    json!({ "constant_score": { "filter": { "bool": { "should": any } } } })
}

/// The word, or one that is like it in any of its characters; each such word, however many there are.
fn like(word: &MistypedWord, typos: usize) -> Value {
    let mut matching = json!({ "query": word.word, "operator": "and" });
    if typos > 0 {
        matching["fuzziness"] = typos.into();
        matching["prefix_length"] = 0.into();
        matching["fuzzy_rewrite"] = "constant_score".into();
    }
    json!({ "match": { "description": matching } })
}

#[cfg(test)]
mod tests {
    use taskwire_domain::SearchText;

    use super::*;

    #[test]
    fn a_typo_costs_a_point_and_what_was_typed_is_a_value() {
        let text = SearchText::parse("*:* \"kater teh\" -rye pla".to_owned())
            .unwrap()
            .unwrap();
        let text = MistypedText::of(&text).unwrap();
        let body = likest_body(&text, &SearchFilter::default(), Duration::from_secs(1));
        let conditions = &body["query"]["bool"];
        let counts = ["must", "should", "must_not"].map(|kind| conditions[kind].as_array().unwrap().len());
        // Each of three words, with one, two and one typo fewer.
        assert_eq!(counts, [3, 4, 1]);
        let open = &conditions["must"][0]["constant_score"]["filter"]["bool"]["should"];
        assert_eq!(open[0]["match"]["description"]["query"], "pla");
        assert_eq!(open[0]["match"]["description"]["fuzziness"], 1);
        assert_eq!(open[1], json!({ "match_bool_prefix": { "description": "pla" } }));
    }
}
