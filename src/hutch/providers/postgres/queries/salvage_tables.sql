-- Every table that holds rows of users, with its columns as COPY takes them back.
select c.oid::int8 as oid, n.nspname as schema, c.relname as name,
       (pg_relation_size(c.oid) / current_setting('block_size')::int)::int8 as blocks,
       (select coalesce(jsonb_agg(jsonb_build_object(
            'name', a.attname, 'type', format_type(a.atttypid, a.atttypmod), 'not_null', a.attnotnull,
            'generated', a.attgenerated <> '', 'extra', case
                when a.attgenerated = 's' then format(' generated always as (%%s) stored', pg_get_expr(d.adbin, d.adrelid))
                when a.attgenerated = 'v' then format(' generated always as (%%s)', pg_get_expr(d.adbin, d.adrelid))
                else coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '') end) order by a.attnum), '[]')
        from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'm') and c.relpersistence <> 't'
  and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and (%(table)s::text is null or n.nspname = %(schema)s::text and c.relname = %(table)s::text)
order by n.nspname, c.relname
