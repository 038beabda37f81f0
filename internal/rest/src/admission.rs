//! Which requests get to their endpoint: a client within its rate, a service with room, a head and a body that are
//! within their limits. What is cheap to refuse is refused first.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;

use crate::config::RestConfig;
use crate::failure::{Failure, Refusal};
use crate::overload::Capacity;
use crate::peer::Peer;
use crate::rate_limit::RateLimit;
use crate::{body_limit, head_limit, host};

/// What all requests share: the rates of the clients, and the room for requests.
pub(crate) struct Admission {
    rate_limit: Option<RateLimit>,
    capacity: Capacity,
}

impl Admission {
    /// As configured.
    pub(crate) fn new(config: &RestConfig) -> Self {
        Self {
            rate_limit: RateLimit::new(config),
            capacity: Capacity::new(config.max_requests),
        }
    }

    /// The endpoint's answer, or the refusal. A panic on the way ends there.
    pub(crate) async fn admit(&self, request: Request, next: Next) -> Response {
        // A probe is to be told how things are just when there is too much to do.
        if matches!(request.uri().path(), "/healthz/live" | "/healthz/ready") {
            let received = receive(request).await;
            return match received {
                Ok(request) => contained(next.run(request)).await,
                Err(refusal) => *refusal,
            };
        }
        let Some(rate_limit) = &self.rate_limit else {
            return self.within_capacity(request, next).await;
        };
        let (standing, counted) = rate_limit.count(&request);
        let mut answer = match counted {
            Ok(()) => self.within_capacity(request, next).await,
            Err(refusal) => body_limit::refuse_unread(request, refusal.into()).await,
        };
        rate_limit.tell(standing, answer.headers_mut());
        answer
    }

    async fn within_capacity(&self, request: Request, next: Next) -> Response {
        if is_one_too_many(&request) {
            let mut answer = body_limit::refuse_unread(request, Refusal::Overloaded.into()).await;
            let close = HeaderValue::from_static("close");
            answer.headers_mut().insert(header::CONNECTION, close);
            return answer;
        }
        if let Err(refusal) = self.capacity.look() {
            return body_limit::refuse_unread(request, refusal.into()).await;
        }
        let request = match receive(request).await {
            Ok(request) => request,
            Err(refusal) => return *refusal,
        };
        match self.capacity.enter() {
            Ok(_place) => contained(next.run(request)).await,
            Err(refusal) => Failure::from(refusal).into_response(),
        }
    }
}

fn is_one_too_many(request: &Request) -> bool {
    let peer = request.extensions().get::<Peer>();
    peer.is_some_and(|peer| peer.one_too_many)
}

/// The request with its whole body, once its head has been judged.
async fn receive(request: Request) -> Result<Request, Box<Response>> {
    let judged = head_limit::check(&request).map_err(Failure::from);
    match judged.and_then(|()| Ok(host::check(&request)?)) {
        Ok(()) => body_limit::receive(request).await,
        Err(failure) => Err(Box::new(body_limit::refuse_unread(request, failure).await)),
    }
}

/// The future's answer, or a failure if it panics: the process lives, and the message is for the log alone.
async fn contained(answer: impl Future<Output = Response>) -> Response {
    match AssertUnwindSafe(answer).catch_unwind().await {
        Ok(answer) => answer,
        Err(payload) => Failure::Panicked(message(&*payload)).into_response(),
    }
}

fn message(payload: &(dyn Any + Send)) -> String {
    payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "the panic carries no message".to_owned())
}

#[cfg(test)]
mod tests {
    use crate::testing::{Behaviour, TASK, TestApi, request};

    #[tokio::test]
    async fn a_panic_is_a_500_problem_that_shows_nothing() {
        let api = TestApi::with_a_task().await;
        api.engines_now(Behaviour::Panics);
        let answer = api.send(request("GET", &format!("/tasks/{TASK}"), &[])).await;
        assert_eq!(answer.problem(), (500, "internal"));
    }
}
