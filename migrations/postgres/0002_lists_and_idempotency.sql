-- Indexes behind every filter and order of a list, the callers' idempotency keys, and the key that signs cursors.

set local lock_timeout = '5s';

-- From here to the end writers wait, and readers do not: about seven seconds for a million tasks. An operator for whom that
-- is too long builds the indexes before the upgrade, concurrently and by these names (docs/operations.md); then none is
-- built here. Not concurrently from here, outside a transaction: a concurrent build waits for every older snapshot, and
-- so for the processes that wait until they may migrate. PostgreSQL ends that deadlock, and leaves an invalid index.
lock table tasks in share mode;

-- "If not exists" looks at names alone, and would accept what is left of a concurrent build that was ended early. Looked
-- at under the lock, which no concurrent build passes, and before anything is built.
do $$
declare
    drops text;
begin
    select string_agg(format('drop index concurrently %s;', indexrelid::regclass), ' ' order by relname)
    into drops
    from pg_index join pg_class on pg_class.oid = indexrelid
    where indrelid = 'tasks'::regclass and not indisvalid
      and relname in ('tasks_created_at_idx', 'tasks_updated_at_idx', 'tasks_due_at_idx', 'tasks_priority_idx',
                      'tasks_categories_idx', 'tasks_parent_id_created_at_idx');
    if drops is not null then
        raise exception 'a "create index concurrently" that was ended early left an invalid index: run "%", and start again', drops;
    end if;
end $$;

-- Each begins with is_done: open tasks are few, new and what most lists ask for, and in an order alone one would pass
-- over years of done ones to find them. A list of both walks both halves of the index and merges them
-- (internal/postgres/src/list.rs), so there is one index an order and not two.
create index if not exists tasks_created_at_idx on tasks (is_done, created_at, id);
create index if not exists tasks_updated_at_idx on tasks (is_done, updated_at, id);
create index if not exists tasks_due_at_idx on tasks (is_done, due_at, id);
create index if not exists tasks_priority_idx on tasks (is_done, priority, id);

-- Tasks without a category, which nobody finds by one, cost nothing here.
create index if not exists tasks_categories_idx on tasks using gin (categories) where categories <> '{}';

-- In place of the one on the parent alone, which 0003 drops: the foreign key and walks down a tree are served as before,
-- and the sub-tasks of one task are listed in their order.
create index if not exists tasks_parent_id_created_at_idx on tasks (parent_id, created_at, id)
    where parent_id is not null;

-- What was answered to requests that may be sent again. Written in the transaction of the write it stands for.
create table idempotency_keys (
    -- What the key is unique within: method and path.
    scope       text collate "C" not null,
    key         text collate "C" not null,
    -- SHA-256 of the request's body.
    fingerprint bytea not null constraint idempotency_keys_fingerprint_is_sha256 check (octet_length(fingerprint) = 32),
    -- In the transport's own form.
    answer      bytea not null,
    -- By the clock of the server that claimed it.
    claimed_at  timestamptz not null,

    constraint idempotency_keys_pkey primary key (scope, key)
);

-- For the purge.
create index idempotency_keys_claimed_at_idx on idempotency_keys (claimed_at);

-- What servers of this database sign with and accept from one another, such as a list's cursor. Made here, so that
-- many that start at once need not agree on one. A UUID has 122 bits of the server's strong randomness.
create table signing_key (
    is_only boolean constraint signing_key_pkey primary key default true constraint signing_key_is_only_one check (is_only),
    key     bytea not null constraint signing_key_is_32_bytes check (octet_length(key) = 32)
);

insert into signing_key (key) select sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
