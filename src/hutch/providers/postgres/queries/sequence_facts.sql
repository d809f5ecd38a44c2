-- One sequence: how far it is, where it ends, and the columns that it feeds, with those that refer to them.
select c.oid::int8 as oid, s.seqtypid::regtype::text as type, s.seqmax as max, s.seqincrement as step, s.seqcycle as cycles,
       pg_get_userbyid(c.relowner)::text as owner,
       case when has_sequence_privilege(c.oid, 'select, usage') then pg_sequence_last_value(c.oid::regclass) end as last,
       has_sequence_privilege(c.oid, 'select, usage') as readable,
       coalesce((select l.rolsuper or pg_has_role(l.oid, c.relowner, 'usage')
                 from pg_roles l where l.rolname = %(login)s::text), false) as allowed,
       (select coalesce(jsonb_agg(distinct jsonb_build_object(
            'schema', un.nspname, 'table', uc.relname, 'column', ua.attname, 'type', ua.atttypid::regtype::text,
            'rows', greatest(uc.reltuples, 0), 'bytes', pg_table_size(uc.oid),
            'referring', (select coalesce(jsonb_agg(jsonb_build_object(
                    'schema', rn.nspname, 'table', rc.relname, 'column', ra.attname, 'type', ra.atttypid::regtype::text)), '[]')
                from pg_constraint k
                join pg_class rc on rc.oid = k.conrelid join pg_namespace rn on rn.oid = rc.relnamespace
                join pg_attribute ra on ra.attrelid = k.conrelid and ra.attnum = k.conkey[array_position(k.confkey, ua.attnum)]
                where k.contype = 'f' and k.confrelid = uc.oid and ua.attnum = any (k.confkey))
        )), '[]')
        from (select d.refobjid as relid, d.refobjsubid as attnum from pg_depend d
              where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.refclassid = 'pg_class'::regclass
                and d.refobjsubid > 0 and d.deptype in ('a', 'i')
              union
              select f.adrelid, f.adnum from pg_depend d join pg_attrdef f on f.oid = d.objid
              where d.classid = 'pg_attrdef'::regclass and d.refclassid = 'pg_class'::regclass and d.refobjid = c.oid) u
        join pg_class uc on uc.oid = u.relid
        join pg_namespace un on un.oid = uc.relnamespace
        join pg_attribute ua on ua.attrelid = u.relid and ua.attnum = u.attnum and not ua.attisdropped) as columns
from pg_sequence s
join pg_class c on c.oid = s.seqrelid
join pg_namespace n on n.oid = c.relnamespace
where n.nspname = %(schema)s::text and c.relname = %(sequence)s::text and n.nspname !~ '^pg_'
