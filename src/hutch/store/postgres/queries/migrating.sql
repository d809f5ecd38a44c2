-- One process migrates at a time, until its transaction ends.
SELECT pg_advisory_xact_lock(hashtextextended('hutch store migration', 0))
