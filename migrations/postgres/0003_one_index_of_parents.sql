-- Drops the index on the parent alone, in whose place 0002 put another.
--
-- In a file of its own, with nothing before it: it has to wait for everyone who uses the table, readers too, and when it
-- gives up, no work is lost. Until it succeeds, the old index costs a little at every write and does no other harm.

-- Less than elsewhere: while this waits, every query of a task waits behind it.
set local lock_timeout = '1s';

-- An operator may have dropped it concurrently. Then this takes no lock.
drop index if exists tasks_parent_id_idx;
