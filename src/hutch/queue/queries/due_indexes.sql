-- For take.sql and next_due.sql: what is for later by its time, what is due by its turn, what waits by its lock.
CREATE INDEX IF NOT EXISTS hutch_jobs_later ON procrastinate_jobs (scheduled_at) WHERE status = 'todo';
CREATE INDEX IF NOT EXISTS hutch_jobs_ready ON procrastinate_jobs (priority DESC, id)
WHERE status = 'todo' AND scheduled_at IS NULL;
CREATE INDEX IF NOT EXISTS hutch_jobs_waiting ON procrastinate_jobs (lock) WHERE status = 'todo' AND lock IS NOT NULL
