//! What a search that found nothing might have been meant to be.

use taskwire_domain::{Error, MistypedText, SearchPage, TaskSearch};

use crate::SearchRequest;

impl SearchRequest {
    /// A text that would find something under the same conditions, for a caller who asked and found nothing. Nobody else
    /// costs the engine a call.
    pub(crate) async fn suggestion(
        &self,
        search: &dyn TaskSearch,
        page: &SearchPage,
    ) -> Result<Option<String>, Error> {
        if !self.suggest || page.total > 0 {
            return Ok(None);
        }
        let Some(text) = self.query.text.as_ref().and_then(MistypedText::of) else {
            return Ok(None);
        };
        let likest = search.likest(&text, &self.query.filter).await?;
        let descriptions = likest.iter().map(|task| task.fields.description.as_str());
        Ok(text.corrected(descriptions))
    }
}

#[cfg(test)]
mod tests;
