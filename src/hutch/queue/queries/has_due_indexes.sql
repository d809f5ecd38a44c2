SELECT to_regclass('hutch_jobs_later') IS NOT NULL
   AND to_regclass('hutch_jobs_ready') IS NOT NULL
   AND to_regclass('hutch_jobs_waiting') IS NOT NULL
