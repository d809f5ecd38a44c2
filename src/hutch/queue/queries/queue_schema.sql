-- Whether the queue's tables are there, and which of its library's migrations was the last.
SELECT to_regclass('procrastinate_jobs') IS NOT NULL, (SELECT value FROM meta WHERE key = 'queue_schema')
