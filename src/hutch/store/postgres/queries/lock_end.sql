-- The end of the log, and the name of this transaction, so that its fate can be asked for if the connection breaks while it
-- commits. Whoever holds the row until its commit is the only one who appends: so positions become visible in their order,
-- and a reader never passes one that comes later.
SELECT position, pg_current_xact_id()::text FROM log_end FOR UPDATE
