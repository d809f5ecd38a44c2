SELECT pg_advisory_lock({space}, (('x' || substr(md5({database}), 1, 7))::bit(28))::int)
