-- Jobs of workers that are gone wait again; one that was replaced meanwhile goes. Looking and taking back are one
-- statement: what another worker rescued, and has taken by now, is not touched.
WITH stalled AS (
    SELECT job.id, job.queueing_lock
    FROM procrastinate_jobs AS job
    LEFT JOIN procrastinate_workers AS worker ON worker.id = job.worker_id
    WHERE job.status = 'doing'
      AND (job.worker_id IS NULL OR worker.last_heartbeat <= now() - make_interval(secs => %(stalled)s))
    FOR UPDATE OF job SKIP LOCKED
)
SELECT CASE
    WHEN EXISTS (
        SELECT FROM procrastinate_jobs AS twin
        WHERE twin.status = 'todo' AND twin.queueing_lock = stalled.queueing_lock
    )
    THEN procrastinate_finish_job_v1(stalled.id, 'failed', true)
    ELSE procrastinate_retry_job_v2(stalled.id, NULL, NULL, NULL, NULL)
END
FROM stalled
