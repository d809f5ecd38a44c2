-- The due jobs that a worker may take, up to so many, no two of one lock: as procrastinate_fetch_job_v2 does it, but by the indexes of due_indexes.sql, so that
-- timers for later are not looked at, however many there are. A timer that has fallen due goes first: taking it only wakes
-- it, and a long row of jobs must not make it late.
WITH timer AS (
    SELECT job.id
    FROM procrastinate_jobs AS job
    WHERE job.status = 'todo'
      AND job.scheduled_at <= now()
      AND job.queue_name = ANY(%(kinds)s::varchar[])
      AND NOT EXISTS (
          SELECT FROM procrastinate_jobs AS other WHERE other.lock = job.lock AND other.status = 'doing'
      )
      AND NOT EXISTS (
          SELECT FROM procrastinate_jobs AS other
          WHERE other.lock = job.lock AND other.status = 'todo'
            AND (other.priority > job.priority OR (other.priority = job.priority AND other.id < job.id))
      )
    ORDER BY job.scheduled_at
    LIMIT %(most)s
    FOR UPDATE OF job SKIP LOCKED
),
ready AS (
    SELECT job.id
    FROM procrastinate_jobs AS job
    WHERE NOT EXISTS (SELECT FROM timer)
      AND job.status = 'todo'
      AND job.scheduled_at IS NULL
      AND job.queue_name = ANY(%(kinds)s::varchar[])
      AND NOT EXISTS (
          SELECT FROM procrastinate_jobs AS other WHERE other.lock = job.lock AND other.status = 'doing'
      )
      AND NOT EXISTS (
          SELECT FROM procrastinate_jobs AS other
          WHERE other.lock = job.lock AND other.status = 'todo'
            AND (other.priority > job.priority OR (other.priority = job.priority AND other.id < job.id))
      )
    ORDER BY job.priority DESC, job.id
    LIMIT %(most)s
    FOR UPDATE OF job SKIP LOCKED
)
UPDATE procrastinate_jobs AS job
SET status = 'doing', worker_id = %(worker)s
FROM (SELECT id FROM timer UNION ALL SELECT id FROM ready) AS candidate
WHERE job.id = candidate.id
RETURNING job.id, job.queue_name, job.lock, job.args, job.attempts
