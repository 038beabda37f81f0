-- Tasks, what remains of deleted ones, and the events that have not been published yet.

create table tasks (
    id           uuid constraint tasks_pkey primary key,
    -- "C" compares bytes: which keys are equal, and the order of the index, must not depend on the system's locale.
    external_id  text collate "C" constraint tasks_external_id_key unique,
    description  text not null,
    -- none, low, medium, high: a number, because tasks are sorted by it.
    priority     smallint not null constraint tasks_priority_known check (priority between 0 and 3),
    start_at     timestamptz,
    due_at       timestamptz,
    is_done      boolean not null,
    -- No "on delete": a task with sub-tasks is not deleted, and the constraint's name is how the adapter knows why.
    parent_id    uuid constraint tasks_parent_id_fkey references tasks (id),
    -- An array keeps the caller's order.
    categories   text[] not null,
    created_at   timestamptz not null,
    updated_at   timestamptz not null,
    completed_at timestamptz,
    version      bigint not null constraint tasks_version_positive check (version >= 1),

    constraint tasks_start_not_after_due check (start_at <= due_at),
    constraint tasks_not_own_parent check (parent_id <> id)
);

-- For the foreign key, which looks for sub-tasks at every deletion, and for walking down a tree. Few tasks have a
-- parent, so the others stay out.
create index tasks_parent_id_idx on tasks (parent_id) where parent_id is not null;

-- A deleted task must be told from one that never was: a search index that is rebuilt needs its tombstone, or an
-- old event that arrives late would bring the task back.
create table deleted_tasks (
    id         uuid constraint deleted_tasks_pkey primary key,
    version    bigint not null constraint deleted_tasks_version_follows_another check (version >= 2),
    deleted_at timestamptz not null
);

-- Events committed and not yet acknowledged by the broker. A row is written by the statement that writes its task.
create table outbox (
    -- One number at a time: a session that reserved several would hand an older one to a newer version of a task,
    -- and the ids of one task's events must grow with their versions.
    id         bigint generated always as identity (cache 1) constraint outbox_pkey primary key,
    task_id    uuid not null,
    version    bigint not null,
    -- The record's value in its final bytes; nobody encodes it again.
    payload    bytea not null,
    -- Name, value, name, value: in order, which jsonb would not keep, and without repeating a structure.
    headers    text[] not null constraint outbox_headers_paired check (cardinality(headers) % 2 = 0),
    -- By the database's clock, to tell how long the oldest event has waited.
    created_at timestamptz not null default now()
) with (
    -- Every row is soon deleted, and the relay reads from the low end of the index, where the dead ones are. So
    -- vacuum by count, not by a share of a table that is nearly empty or very long, and without pausing.
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_cost_delay = 0,
    -- Rows only inserted, while the broker is away, need no vacuum.
    autovacuum_vacuum_insert_threshold = -1,
    -- Giving pages back to the file system takes a lock that stops writers; they are filled again at once.
    vacuum_truncate = false
);
