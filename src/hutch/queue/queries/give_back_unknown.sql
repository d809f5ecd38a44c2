-- Jobs that stand as taken by our worker without its knowing: the answer that told it was lost.
SELECT procrastinate_retry_job_v2(id, NULL, NULL, NULL, NULL)
FROM procrastinate_jobs
WHERE status = 'doing' AND worker_id = %(worker)s AND NOT id = ANY(%(known)s::bigint[])
