-- Tasks, what remains of deleted ones, the events that are not indexed yet and those that never can be.
-- Ids are the 16 bytes of the UUID, times are milliseconds since 1970, lists are JSON.

-- What is known of this file as a whole.
create table meta (
    name  text not null primary key,
    value blob not null
) strict, without rowid;

-- Made once: whoever keeps something beside this file, such as a search index, can tell whose it is.
insert into meta (name, value) values ('database_id', randomblob(16));

-- Id and version stand in front, where they can be read without the pages a long text flows over to.
create table tasks (
    id           blob not null primary key check (length(id) = 16),
    version      integer not null check (version >= 1),
    external_id  text unique,
    description  text not null,
    -- none, low, medium, high: a number, because tasks are sorted by it.
    priority     integer not null check (priority between 0 and 3),
    start_at     integer,
    due_at       integer,
    is_done      integer not null check (is_done in (0, 1)),
    -- No "on delete": a task with sub-tasks is not deleted.
    parent_id    blob references tasks (id),
    categories   text not null,
    created_at   integer not null,
    updated_at   integer not null,
    completed_at integer,

    check (start_at <= due_at),
    check (parent_id <> id)
) strict;

-- For the foreign key, which looks for sub-tasks at every deletion, and for walking down a tree. Few tasks have a
-- parent, so the others stay out.
create index tasks_parent_id on tasks (parent_id) where parent_id is not null;

-- A deleted task must be told from one that never was: a search index that is rebuilt needs its tombstone, or an
-- old event that arrives late would bring the task back.
create table deleted_tasks (
    id         blob not null primary key check (length(id) = 16),
    version    integer not null check (version >= 2),
    deleted_at integer not null
) strict, without rowid;

-- Events committed and not yet indexed.
create table outbox (
    -- Without "autoincrement" an emptied table would begin again at 1, and what was indexed up to 100 would never see
    -- the new 1 to 100.
    id         integer primary key autoincrement,
    task_id    blob not null check (length(task_id) = 16),
    version    integer not null,
    -- The record's value in its final bytes; nobody encodes it again.
    payload    blob not null,
    -- Name, value, name, value: in order, and names may come twice.
    headers    text not null,
    created_at integer not null default (cast(unixepoch('subsec') * 1000 as integer))
) strict;

-- Events that can never be indexed, each once, with the reason.
create table dead_letters (
    -- The event's place in the outbox.
    outbox_id integer primary key,
    reason    text not null,
    detail    text not null,
    parked_at integer not null,
    key       blob,
    value     blob,
    headers   text not null
) strict;
