-- What the server knows of its disk: the databases' files, and WAL. Which databases this login may not measure: "hidden".
select sum(case when pg_has_role('pg_read_all_stats', 'usage') or has_database_privilege(d.oid, 'connect')
                then pg_database_size(d.oid) end)::float8 as databases,
       count(*) filter (where not (pg_has_role('pg_read_all_stats', 'usage')
                                   or has_database_privilege(d.oid, 'connect')))::int as hidden,
       (select pg_has_role('pg_monitor', 'usage')) as monitor,
       pg_size_bytes(current_setting('max_wal_size'))::float8 as max_wal
from pg_database d
