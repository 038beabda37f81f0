//! What a search that found nothing might have been meant to be.

use taskwire_domain::{Chain, Error, MistypedText, SearchPage, TaskSearch};
use tokio::task::spawn_blocking;

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
        let corrected = spawn_blocking(move || {
            text.corrected(likest.iter().map(|task| task.fields.description.as_str()))
        });
        corrected.await.map_err(|cause| Error::Internal {
            context: "a suggestion was not made to its end",
            cause: cause.into(),
        })
    }
}

#[cfg(test)]
mod tests;
