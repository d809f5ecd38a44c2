-- The tables of this database that hold its oldest rows; TOAST tables under their owner's name.
select n.nspname::text as schema, c.relname::text as table,
       greatest(age(c.relfrozenxid), coalesce(age(t.relfrozenxid), 0))::int8 as age,
       greatest(mxid_age(c.relminmxid), coalesce(mxid_age(t.relminmxid), 0))::int8 as multi_age,
       pg_relation_size(c.oid) as bytes,
       exists (select 1 from pg_stat_progress_vacuum p where p.relid in (c.oid, t.oid)) as vacuuming
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
left join pg_class t on t.oid = c.reltoastrelid and t.relfrozenxid <> '0'
where c.relkind in ('r', 'm') and c.relfrozenxid <> '0'
order by greatest(age(c.relfrozenxid), coalesce(age(t.relfrozenxid), 0),
                  mxid_age(c.relminmxid), coalesce(mxid_age(t.relminmxid), 0)) desc, c.relpages desc
limit 5
