-- Every foreign key between ordinary and partitioned tables; those that partitions inherit are left out.
select con.conname as name,
       cn.nspname as child_schema, cc.relname as child, pn.nspname as parent_schema, pc.relname as parent,
       (select array_agg(a.attname::text order by k.n) from unnest(con.conkey) with ordinality k(num, n)
        join pg_catalog.pg_attribute a on a.attrelid = con.conrelid and a.attnum = k.num) as columns,
       (select array_agg(a.attname::text order by k.n) from unnest(con.confkey) with ordinality k(num, n)
        join pg_catalog.pg_attribute a on a.attrelid = con.confrelid and a.attnum = k.num) as keys,
       con.confdeltype::text as on_delete
from pg_catalog.pg_constraint con
join pg_catalog.pg_class cc on cc.oid = con.conrelid
join pg_catalog.pg_namespace cn on cn.oid = cc.relnamespace
join pg_catalog.pg_class pc on pc.oid = con.confrelid
join pg_catalog.pg_namespace pn on pn.oid = pc.relnamespace
where con.contype = 'f' and con.conparentid = 0
order by con.conname, con.oid
