//! The shapes of bodies, with the limits that the domain enforces.

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{Ref, Schema};

mod bulk;
mod parts;
mod problem;
mod search;
mod service;
mod task;

pub(super) use parts::{external_id, label, uuid};
pub(super) use search::{
    AFTER, CURSOR, FACETS, HIGHLIGHT, SIZE, SORT, STRICT, SUGGEST, TIMEOUT, WORDS, facet, from_description,
    patience, search_cursor, search_sort, tokens,
};
pub(super) use service::untold;

/// The named shapes of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Component {
    Task,
    Dates,
    TaskAnswer,
    TaskPage,
    TaskInput,
    DatesInput,
    TaskPatch,
    Priority,
    BulkRequest,
    BulkCreate,
    BulkUpdate,
    BulkDelete,
    BulkAnswer,
    BulkDone,
    BulkRefused,
    SearchRequest,
    SearchResult,
    Liveness,
    Health,
    Dependency,
    Service,
    Problem,
    PartProblem,
    WrongValue,
}

impl Component {
    /// Every one, in the order of the document.
    pub(super) const ALL: [Self; 24] = [
        Self::Task,
        Self::Dates,
        Self::TaskAnswer,
        Self::TaskPage,
        Self::TaskInput,
        Self::DatesInput,
        Self::TaskPatch,
        Self::Priority,
        Self::BulkRequest,
        Self::BulkCreate,
        Self::BulkUpdate,
        Self::BulkDelete,
        Self::BulkAnswer,
        Self::BulkDone,
        Self::BulkRefused,
        Self::SearchRequest,
        Self::SearchResult,
        Self::Liveness,
        Self::Health,
        Self::Dependency,
        Self::Service,
        Self::Problem,
        Self::PartProblem,
        Self::WrongValue,
    ];

    /// Its name in `components/schemas`.
    pub(super) fn name(self) -> String {
        format!("{self:?}")
    }

    /// A pointer to it.
    pub(super) fn reference(self) -> RefOr<Schema> {
        RefOr::Ref(Ref::from_schema_name(self.name()))
    }

    /// The shape itself.
    pub(super) fn schema(self) -> Schema {
        match self {
            Self::Task => task::task(),
            Self::Dates => task::dates(),
            Self::TaskAnswer => task::task_answer(),
            Self::TaskPage => task::task_page(),
            Self::TaskInput => task::task_input(),
            Self::DatesInput => task::dates_input(),
            Self::TaskPatch => task::task_patch(),
            Self::Priority => task::priority(),
            Self::BulkRequest => bulk::request(),
            Self::BulkCreate => bulk::create(),
            Self::BulkUpdate => bulk::update(),
            Self::BulkDelete => bulk::delete(),
            Self::BulkAnswer => bulk::answer(),
            Self::BulkDone => bulk::done(),
            Self::BulkRefused => bulk::refused(),
            Self::SearchRequest => search::search_request(),
            Self::SearchResult => search::search_result(),
            Self::Liveness => service::liveness(),
            Self::Health => service::health(),
            Self::Dependency => service::dependency(),
            Self::Service => service::service(),
            Self::Problem => problem::problem(),
            Self::PartProblem => problem::part_problem(),
            Self::WrongValue => problem::wrong_value(),
        }
    }
}
