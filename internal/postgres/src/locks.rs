//! Every advisory lock that Taskwire takes, in one place: they share one space of numbers in a database. The one
//! under which migrations run is sqlx's own and derived from the database's name.

/// Held by the session of the relay that leads.
pub(crate) const RELAY_LEADER: i64 = 0x7461_736b_0000_0001;

/// Held by a transaction that reads or changes who is whose parent: shared by those that only add tasks below
/// others, exclusive for those that move one or delete one with all that is below it.
pub(crate) const TASK_TREE: i64 = 0x7461_736b_0000_0002;
