-- Given up, kept for the record.
SELECT procrastinate_finish_job_v1(%(id)s, 'failed', false)
