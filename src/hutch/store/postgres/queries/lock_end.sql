-- The end of the log. Whoever holds this row until its commit is the only one who appends: so positions become visible
-- in their order, and a reader never passes one that comes later.
SELECT position FROM log_end FOR UPDATE
