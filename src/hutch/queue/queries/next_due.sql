-- Seconds until the first job may be taken that is asked for: by its kinds, as procrastinate_fetch_job_v2 would take it,
-- or of one lock. 0 for one that is due, or whose worker is gone; NULL when there is none.
SELECT min(
    CASE
        WHEN job.status = 'doing' OR job.scheduled_at IS NULL THEN 0
        ELSE greatest(0, extract(epoch FROM job.scheduled_at - now()))
    END
)::double precision
FROM procrastinate_jobs AS job
LEFT JOIN procrastinate_workers AS worker ON worker.id = job.worker_id
WHERE (%(kinds)s::varchar[] IS NULL OR job.queue_name = ANY(%(kinds)s::varchar[]))
  AND (%(lock)s::text IS NULL OR job.args ->> 'lock' = %(lock)s::text)
  AND (
      (
          job.status = 'doing'
          AND (job.worker_id IS NULL OR worker.last_heartbeat <= now() - make_interval(secs => %(stalled)s))
      )
      OR (
          job.status = 'todo'
          AND NOT EXISTS (
              SELECT FROM procrastinate_jobs AS other
              WHERE other.lock = nullif(job.args ->> 'lock', '')
                AND (
                    other.status = 'doing'
                    OR (
                        job.lock IS NOT NULL AND %(lock)s::text IS NULL
                        AND other.status = 'todo' AND other.priority >= job.priority AND other.id < job.id
                    )
                )
          )
      )
  )
