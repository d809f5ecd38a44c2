SELECT count(*) FROM procrastinate_jobs
