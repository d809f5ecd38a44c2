-- The schema's revision, who made it, and for which older ones; no row at all where Hutch's schema is not there.
SELECT version_num, (SELECT value FROM meta WHERE key = 'made_by'), (SELECT value FROM meta WHERE key = 'serves')
FROM alembic_version
