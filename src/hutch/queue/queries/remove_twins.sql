DELETE FROM procrastinate_jobs WHERE status = 'todo' AND queueing_lock = ANY(%(queueing_locks)s::text[])
