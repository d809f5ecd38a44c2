SELECT procrastinate_finish_job_v1(done.id, 'succeeded', true) FROM unnest(%(ids)s::bigint[]) AS done (id)
