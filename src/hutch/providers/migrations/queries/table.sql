-- Whether the tool's table is there for us, and its columns.
select c.oid::regclass::text as name,
       array(select a.attname::text from pg_attribute a
             where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped order by a.attnum) as columns
from pg_class c
where c.oid = to_regclass(%(table)s)
