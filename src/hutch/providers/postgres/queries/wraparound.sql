-- How many transaction (and multixact) numbers were used up since the oldest row of each database was frozen.
select d.datname::text as database, age(d.datfrozenxid)::int8 as age, mxid_age(d.datminmxid)::int8 as multi_age,
       d.datname = current_database() as here,
       current_setting('autovacuum_freeze_max_age')::int8 as freeze_max_age
from pg_database d
order by greatest(age(d.datfrozenxid), mxid_age(d.datminmxid)) desc, here desc
