-- Seconds until the first job may be taken that is asked for: by its kinds, as take.sql would take it, or of one lock. 0 for
-- one that is due, or whose worker is gone; NULL when there is none within so many
-- seconds: what is further ahead is not looked at. In three parts, each by an index of its own.
WITH gone AS (
    SELECT 0::double precision AS seconds
    FROM procrastinate_jobs AS job
    LEFT JOIN procrastinate_workers AS worker ON worker.id = job.worker_id
    WHERE job.status = 'doing'
      AND (job.worker_id IS NULL OR worker.last_heartbeat <= now() - make_interval(secs => %(stalled)s))
      AND (%(kinds)s::varchar[] IS NULL OR job.queue_name = ANY(%(kinds)s::varchar[]))
      AND (%(lock)s::text IS NULL OR job.args ->> 'lock' = %(lock)s::text)
    LIMIT 1
),
ready AS (
    SELECT 0::double precision AS seconds
    FROM procrastinate_jobs AS job
    WHERE job.status = 'todo'
      AND job.scheduled_at IS NULL
      AND (%(kinds)s::varchar[] IS NULL OR job.queue_name = ANY(%(kinds)s::varchar[]))
      AND (%(lock)s::text IS NULL OR job.args ->> 'lock' = %(lock)s::text)
      AND NOT EXISTS (
          SELECT FROM procrastinate_jobs AS other
          WHERE other.lock = nullif(job.args ->> 'lock', '') AND other.status = 'doing'
      )
      AND NOT EXISTS (
          SELECT FROM procrastinate_jobs AS other
          WHERE job.lock IS NOT NULL AND %(lock)s::text IS NULL
            AND other.lock = job.lock AND other.status = 'todo'
            AND other.priority >= job.priority AND other.id < job.id
      )
    LIMIT 1
),
later AS (
    SELECT greatest(0, extract(epoch FROM job.scheduled_at - now()))::double precision AS seconds
    FROM procrastinate_jobs AS job
    WHERE job.status = 'todo'
      AND job.scheduled_at <= now() + make_interval(secs => %(within)s)
      AND (%(kinds)s::varchar[] IS NULL OR job.queue_name = ANY(%(kinds)s::varchar[]))
      AND (%(lock)s::text IS NULL OR job.args ->> 'lock' = %(lock)s::text)
      AND NOT EXISTS (
          SELECT FROM procrastinate_jobs AS other
          WHERE other.lock = nullif(job.args ->> 'lock', '') AND other.status = 'doing'
      )
      AND NOT EXISTS (
          SELECT FROM procrastinate_jobs AS other
          WHERE job.lock IS NOT NULL AND %(lock)s::text IS NULL
            AND other.lock = job.lock AND other.status = 'todo'
            AND other.priority >= job.priority AND other.id < job.id
      )
    ORDER BY job.scheduled_at
    LIMIT 1
)
SELECT min(seconds) FROM (TABLE gone UNION ALL TABLE ready UNION ALL TABLE later) AS every
