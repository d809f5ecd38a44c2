-- Timers that have fallen due wait from now on as ordinary jobs, under the locks that they did not carry before.
SELECT CASE
    WHEN EXISTS (
        SELECT FROM procrastinate_jobs AS twin
        WHERE twin.status = 'todo' AND twin.queueing_lock = timer.queueing_lock
    )
    THEN procrastinate_finish_job_v1(timer.id, 'failed', true)
    ELSE procrastinate_retry_job_v2(timer.id, NULL, NULL, NULL, timer.args ->> 'lock')
END
FROM procrastinate_jobs AS timer
WHERE timer.id = ANY(%(ids)s) AND timer.status = 'doing' AND timer.worker_id = %(worker)s
