-- What recovery must know of these tables (schemas and names in pairs). The key is the primary key, else the columns of
-- a whole unique index without NULL.
select n.nspname as schema, c.relname as name,
       (select coalesce(jsonb_agg(jsonb_build_object(
            'name', a.attname, 'type', pg_catalog.format_type(a.atttypid, a.atttypmod), 'not_null', a.attnotnull,
            'default', a.atthasdef or a.attidentity <> '' or t.typdefault is not null,
            'generated', a.attgenerated <> '') order by a.attnum), '[]')
        from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
       coalesce((select array_agg(a.attname::text order by k.n)
        from (select i.indkey from pg_catalog.pg_index i
              where i.indrelid = c.oid and i.indisunique and i.indisvalid and i.indpred is null and i.indexprs is null
                and i.indimmediate and (i.indisprimary or not exists (
                    select from pg_catalog.pg_attribute x
                    where x.attrelid = c.oid and x.attnum = any (i.indkey) and not x.attnotnull))
              order by i.indisprimary desc, i.indnkeyatts, i.indexrelid limit 1) best
        cross join unnest(best.indkey::int2[]) with ordinality k(num, n)
        join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = k.num), '{{}}') as key,
       (select coalesce(jsonb_agg(jsonb_build_object(
            'name', ic.relname,
            'expressions', (select jsonb_agg(pg_catalog.pg_get_indexdef(i.indexrelid, k, false) order by k)
                            from generate_series(1, i.indnkeyatts) k),
            'types', (select jsonb_agg(pg_catalog.format_type(a.atttypid, a.atttypmod) order by a.attnum)
                      from pg_catalog.pg_attribute a where a.attrelid = i.indexrelid and a.attnum <= i.indnkeyatts),
            'condition', pg_catalog.pg_get_expr(i.indpred, i.indrelid),
            'nulls_equal', coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false)) order by ic.relname), '[]')
        from pg_catalog.pg_index i join pg_catalog.pg_class ic on ic.oid = i.indexrelid
        where i.indrelid = c.oid and i.indisunique and i.indisready and not i.indisprimary) as uniques,
       (select coalesce(jsonb_agg(jsonb_build_object(
            'name', t.tgname, 'calls', p.proname, 'enabled', t.tgenabled::text) order by t.tgname), '[]')
        from pg_catalog.pg_trigger t join pg_catalog.pg_proc p on p.oid = t.tgfoid
        where t.tgrelid = c.oid and not t.tgisinternal and t.tgenabled in ('O', 'A') and t.tgtype & 4 = 4) as triggers,
       (select coalesce(jsonb_agg(jsonb_build_object(
            'schema', sn.nspname, 'name', sc.relname, 'column', a.attname, 'step', s.seqincrement)
            order by a.attnum), '[]')
        from pg_catalog.pg_attribute a
        join pg_catalog.pg_depend d on d.refobjid = a.attrelid and d.refobjsubid = a.attnum
             and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.deptype in ('a', 'i')
             and d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
        join pg_catalog.pg_sequence s on s.seqrelid = d.objid
        join pg_catalog.pg_class sc on sc.oid = s.seqrelid
        join pg_catalog.pg_namespace sn on sn.oid = sc.relnamespace
        where a.attrelid = c.oid) as sequences,
       (select coalesce(jsonb_agg(jsonb_build_array(pn.nspname, pc.relname)), '[]')
        from pg_catalog.pg_partition_tree(c.oid) p
        join pg_catalog.pg_class pc on pc.oid = p.relid
        join pg_catalog.pg_namespace pn on pn.oid = pc.relnamespace
        where p.isleaf and p.relid <> c.oid) as partitions
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join unnest($1::text[], $2::text[]) wanted(schema, name)
     on wanted.schema = n.nspname and wanted.name = c.relname
where c.relkind in ('r', 'p')
