-- What became of a transaction; NULL when the server does not know it (any more).
SELECT CASE
    WHEN %(xid)s::xid8 >= pg_snapshot_xmax(pg_current_snapshot()) THEN NULL
    ELSE pg_xact_status(%(xid)s::xid8)
END
