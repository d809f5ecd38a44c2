-- Which of these jobs our worker holds; locked, so that they stay ours until the transaction ends.
SELECT id FROM procrastinate_jobs
WHERE id = ANY(%(ids)s::bigint[]) AND status = 'doing' AND worker_id = %(worker)s
ORDER BY id
FOR UPDATE
