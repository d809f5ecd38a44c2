-- One taking of a job, if it is still ours: each taking of a job has its own number.
SELECT id FROM procrastinate_jobs
WHERE id = %(id)s AND status = 'doing' AND worker_id = %(worker)s
  AND attempts + 1 + (args ->> 'tries')::integer = %(attempts)s
FOR UPDATE
