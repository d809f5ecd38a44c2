-- Those given up first.
SELECT id, queue_name, lock, args, attempts, status::text AS status
FROM procrastinate_jobs
WHERE status IN ('todo', 'doing', 'failed')
ORDER BY status <> 'failed', id
