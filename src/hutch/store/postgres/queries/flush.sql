-- The smallest transaction that has to be on the disk (and on synchronous standbys) when it is answered: then all that was
-- committed before it is there too. Sessions that do so at the same time share one flush.
SELECT set_config('synchronous_commit', 'on', true), pg_logical_emit_message(true, 'hutch', '')
