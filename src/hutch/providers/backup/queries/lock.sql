SELECT pg_try_advisory_lock({space}, {key}) AS held
