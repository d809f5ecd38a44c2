-- The lock that keeps two runners apart; never waited for.
select pg_try_advisory_lock(%(key)s::bigint) as got
