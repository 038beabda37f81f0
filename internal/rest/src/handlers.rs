//! The endpoints, one file each.

pub(crate) mod bulk_tasks;
pub(crate) mod create_task;
pub(crate) mod delete_task;
pub(crate) mod get_task;
pub(crate) mod health_live;
pub(crate) mod health_ready;
pub(crate) mod list_tasks;
pub(crate) mod patch_task;
pub(crate) mod replace_task;
pub(crate) mod search_tasks;
pub(crate) mod search_tasks_by_query;
