//! Routes together with what the document says of them: neither is there without the other.

use axum::Router;
use axum::handler::Handler;
use axum::routing::{MethodFilter, MethodRouter, on};
use utoipa::openapi::HttpMethod;

use super::Endpoint;
use crate::AppState;

/// Documented routes.
#[derive(Default)]
pub(crate) struct Routes {
    router: Router<AppState>,
    endpoints: Vec<Documented>,
}

/// Where an endpoint stands, and what is said of it.
pub(super) struct Documented {
    pub(super) path: &'static str,
    pub(super) method: HttpMethod,
    pub(super) endpoint: Endpoint,
}

macro_rules! methods {
    ($($name:ident $filter:ident $method:ident),*) => {$(
        /// Routes this method of the path.
        pub(crate) fn $name<H, T>(self, path: &'static str, handler: H, endpoint: Endpoint) -> Self
        where
            H: Handler<T, AppState>,
            T: 'static,
        {
            let documented = Documented { path, method: HttpMethod::$method, endpoint };
            self.with(on(MethodFilter::$filter, handler), documented)
        }
    )*};
}

impl Routes {
    methods!(get GET Get, post POST Post, put PUT Put, patch PATCH Patch, delete DELETE Delete);

    fn with(mut self, handler: MethodRouter<AppState>, documented: Documented) -> Self {
        self.router = self.router.route(documented.path, handler);
        self.endpoints.push(documented);
        self
    }

    /// Puts something around all of these.
    pub(crate) fn surrounded(self, by: impl FnOnce(Router<AppState>) -> Router<AppState>) -> Self {
        Self {
            router: by(self.router),
            endpoints: self.endpoints,
        }
    }

    /// These and those.
    pub(crate) fn and(mut self, others: Self) -> Self {
        self.endpoints.extend(others.endpoints);
        Self {
            router: self.router.merge(others.router),
            endpoints: self.endpoints,
        }
    }

    /// The routes, to be served.
    pub(crate) fn into_router(self) -> Router<AppState> {
        self.router
    }

    /// What is said of them.
    pub(super) fn into_endpoints(self) -> Vec<Documented> {
        self.endpoints
    }
}
