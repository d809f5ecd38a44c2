-- How far each sequence has come in its own range and in that of the column it fills, the fullest first.
-- What nobody may read has no last value: those count as hidden, on every row. Cycling ones begin anew by themselves.
with filled as materialized (
    select d.objid as sequence, a.attrelid, a.attname, a.atttypid
    from pg_depend d
    join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
    where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass
      and d.deptype in ('a', 'i') and d.refobjsubid > 0
    union
    select d.refobjid, f.adrelid, a.attname, a.atttypid
    from pg_depend d
    join pg_attrdef f on f.oid = d.objid
    join pg_attribute a on a.attrelid = f.adrelid and a.attnum = f.adnum
    where d.classid = 'pg_attrdef'::regclass and d.refclassid = 'pg_class'::regclass and d.deptype = 'n'
),
seen as materialized (
    select n.nspname::text as schema, c.relname::text as sequence, s.seqincrement as step, s.seqstart,
           s.seqmin, s.seqmax, s.seqcycle, format_type(s.seqtypid, null) as type,
           has_sequence_privilege(c.oid, 'usage, select') as allowed,
           case when has_sequence_privilege(c.oid, 'usage, select') and not pg_is_in_recovery()
                then pg_sequence_last_value(c.oid) end as last,
           f.attrelid::regclass::text as table, f.attname::text as column, format_type(f.atttypid, null) as column_type,
           case f.atttypid when 'int2'::regtype then 32767 when 'int4'::regtype then 2147483647
                           else 9223372036854775807 end as column_most
    from pg_sequence s
    join pg_class c on c.oid = s.seqrelid
    join pg_namespace n on n.oid = c.relnamespace
    left join filled f on f.sequence = c.oid
    where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and c.relpersistence <> 't'
),
judged as (
    select *,
           case when seqcycle or last is null then 0
                when step > 0 then 100.0 * last / least(seqmax, column_most)
                else 100.0 * last / seqmin end as used
    from seen
)
select schema, sequence, type, step::int8 as step, last, least(seqmax, column_most) as most, seqmin as least,
       "table", "column", column_type, used::float8 as used,
       seqmax > column_most as column_is_narrower,
       (select count(*) from seen where not allowed)::int as hidden, (select count(*) from seen)::int as sequences
from judged
order by used desc, schema, sequence
limit 20
