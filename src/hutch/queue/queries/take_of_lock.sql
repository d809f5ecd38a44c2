-- The due job of one lock, if no other of it is done: as procrastinate_fetch_job_v2 does it for whole queues. A timer
-- takes its lock here, and counts as woken.
WITH candidate AS (
    SELECT job.id
    FROM procrastinate_jobs AS job
    WHERE job.status = 'todo'
      AND job.queue_name = ANY(%(kinds)s::varchar[])
      AND job.args ->> 'lock' = %(lock)s
      AND (job.scheduled_at IS NULL OR job.scheduled_at <= now())
      AND NOT EXISTS (
          SELECT FROM procrastinate_jobs AS other WHERE other.lock = %(lock)s AND other.status = 'doing'
      )
    ORDER BY job.priority DESC, job.id
    LIMIT 1
    FOR UPDATE OF job SKIP LOCKED
)
UPDATE procrastinate_jobs AS job
SET status = 'doing',
    worker_id = %(worker)s,
    attempts = job.attempts + CASE WHEN job.lock IS NULL THEN 1 ELSE 0 END,
    lock = %(lock)s
FROM candidate
WHERE job.id = candidate.id
RETURNING job.id, job.queue_name, job.lock, job.args, job.attempts
