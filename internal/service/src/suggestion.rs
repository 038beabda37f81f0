//! What a search that found nothing might have been meant to be.

use taskwire_domain::{Chain, Error, MistypedText, SearchPage, TaskSearch};

use crate::SearchRequest;
use crate::aside::Aside;

impl SearchRequest {
    /// A text that would find something under the same conditions, for a caller who asked and found nothing. Nobody else
    /// costs the engine a call.
    pub(crate) async fn suggestion(
        &self,
        aside: &Aside,
        search: &dyn TaskSearch,
        page: &SearchPage,
    ) -> Result<Option<String>, Error> {
        if !self.suggest || page.total > 0 {
            return Ok(None);
        }
        let Some(text) = self.query.text.as_ref().and_then(MistypedText::of) else {
            return Ok(None);
        };
        let likest = match search.likest(&text, &self.query.filter).await {
            Ok(likest) => likest,
            // The search itself has its answer.
            Err(error @ Error::Unavailable { .. }) => {
                tracing::warn!(error = %Chain(&error), "no suggestion could be looked for");
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        // Every word of fifty long texts is compared with every word typed.
        let corrected = aside
            .carry_out(move || text.corrected(likest.iter().map(|task| task.fields.description.as_str())));
        corrected.await
    }
}

#[cfg(test)]
mod tests;
