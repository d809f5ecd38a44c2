-- The schema's revision and who made it; no row at all where Hutch's schema is not there.
SELECT version_num, (SELECT value FROM meta WHERE key = 'made_by') FROM alembic_version
