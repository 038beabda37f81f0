//! The index as the real sink sees it: a request that somebody answers some time, or never.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use async_trait::async_trait;
use futures::future::BoxFuture;
use futures::{FutureExt, future};
use taskwire_dispatch::Sink;
use taskwire_domain::{IndexFault, IndexOperation, ItemOutcome, TaskIndex};
use taskwire_indexer::TaskSink;

pub(crate) type Answer = Result<Vec<ItemOutcome>, IndexFault>;

/// Where one request and its answer lie.
#[derive(Default)]
struct Mailbox {
    request: Mutex<Option<Vec<IndexOperation>>>,
    answer: Mutex<Option<Answer>>,
}

#[async_trait]
impl TaskIndex for Mailbox {
    async fn apply(&self, operations: &[IndexOperation]) -> Answer {
        *self.request.lock().unwrap_or_else(PoisonError::into_inner) = Some(operations.to_vec());
        future::poll_fn(|_| {
            let answer = self.answer.lock().unwrap_or_else(PoisonError::into_inner).take();
            answer.map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}

/// A batch on its way through the product's sink, which sends the highest version of each task alone.
pub(crate) struct Application {
    mailbox: Arc<Mailbox>,
    outcome: BoxFuture<'static, Answer>,
    /// What the index is asked to do.
    pub(crate) bulk: Vec<IndexOperation>,
}

impl Application {
    pub(crate) fn begin(operations: Vec<IndexOperation>) -> Self {
        let mailbox = Arc::new(Mailbox::default());
        let sink = TaskSink::new(mailbox.clone());
        let mut outcome: BoxFuture<'static, Answer> = async move { sink.apply(operations).await }.boxed();
        let early = outcome.as_mut().now_or_never();
        assert!(early.is_none(), "the sink answered before the index did");
        let bulk = mailbox
            .request
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        Self {
            mailbox,
            outcome,
            bulk: bulk.expect("the sink asks the index at once"),
        }
    }

    /// The index answers the bulk; what the sink makes of it.
    pub(crate) fn answer(mut self, answer: Answer) -> Answer {
        *self.mailbox.answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
        self.outcome
            .as_mut()
            .now_or_never()
            .expect("the sink waits for nothing else")
    }
}
