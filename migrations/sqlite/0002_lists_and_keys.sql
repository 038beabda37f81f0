-- Lists in every order and by every filter, and callers' keys for requests that may be sent again.

-- One index an order; the id breaks ties. The first one also holds what else lists are often filtered by, so that tasks
-- are passed over without their rows being read. Tasks without a due time stand before all others in the third.
create index tasks_created_at on tasks (created_at, id, priority, due_at);
create index tasks_updated_at on tasks (updated_at, id);
create index tasks_due_at on tasks (due_at, id);
create index tasks_priority on tasks (priority, id);

-- Filters that leave many tasks out for long stretches of the default order have an index in that order. Those by time,
-- priority and external id take the indexes above and the unique one.
create index tasks_is_done on tasks (is_done, created_at, id);
drop index tasks_parent_id;
-- Still for the foreign key as well.
create index tasks_parent_id on tasks (parent_id, created_at, id) where parent_id is not null;

-- The same for categories, of which a task has several: one row each. Whoever writes to `tasks` writes here too; triggers
-- would make every write dearer, also of the tasks that have none.
create table task_categories (
    category        text not null,
    task_created_at integer not null,
    task_id         blob not null,
    primary key (category, task_created_at, task_id)
) strict, without rowid;

insert into task_categories (category, task_created_at, task_id)
select label.value, tasks.created_at, tasks.id from tasks, json_each(tasks.categories) label;

-- The answers of writes that carried a caller's key, for a day. With a rowid: keys come in no order, and an answer is too
-- long to be moved about with them.
create table idempotency_keys (
    -- What the key is unique within: method and path.
    scope       text not null,
    key         text not null,
    -- SHA-256 of the request's body.
    fingerprint blob not null check (length(fingerprint) = 32),
    -- In the transport's own form.
    answer      blob not null,
    claimed_at  integer not null,
    primary key (scope, key)
) strict;

-- For forgetting the oldest.
create index idempotency_keys_claimed_at on idempotency_keys (claimed_at);

-- Signs what callers bring back, such as the cursor of a list. SQLite seeds its generator from the system's.
insert into meta (name, value) values ('signing_key', randomblob(32));
