-- When a deletion was recorded, and how far the purge of tombstones has come.

-- Less than elsewhere: while this waits, every deletion and every check of the server's health waits behind it.
set local lock_timeout = '1s';

-- By the database's clock, as an outbox row's created_at and in the same transaction: deleted_at is by the clock of the
-- server that deleted. Deletions that are there already count as recorded now, which keeps them longer. No row is written
-- for that: the default of a column that is added is kept beside the table.
alter table deleted_tasks add column recorded_at timestamptz not null default now();

-- One row: the round that is under way, for all servers. internal/purge/src/machine.rs says what its stages are.
create table tombstone_purges (
    is_only         boolean constraint tombstone_purges_pkey primary key default true
                    constraint tombstone_purges_is_only_one check (is_only),
    -- Counts the changes: a server saves a stage only over the one it has looked at.
    revision        bigint not null,
    stage           text not null constraint tombstone_purges_stage_known
                    check (stage in ('idle', 'published', 'readable', 'unreadable')),
    -- The round is about deletions recorded by then.
    recorded_before timestamptz,
    -- Since when it is at this stage, for stages that last a certain time.
    since           timestamptz,
    -- The topic, and the high watermark of each of its partitions from 0 on.
    topic           text,
    ends            bigint[],

    constraint tombstone_purges_stage_whole check (
        (stage = 'idle') = (recorded_before is null)
        and (stage in ('published', 'unreadable')) = (since is not null)
        and (stage in ('readable', 'unreadable')) = (topic is not null and ends is not null))
);

insert into tombstone_purges (revision, stage) values (0, 'idle');
