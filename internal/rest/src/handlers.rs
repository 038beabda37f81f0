//! The endpoints, one file each.

pub(crate) mod create_task;
pub(crate) mod delete_task;
pub(crate) mod get_task;
pub(crate) mod health_live;
pub(crate) mod health_ready;
pub(crate) mod replace_task;
pub(crate) mod search_tasks;
