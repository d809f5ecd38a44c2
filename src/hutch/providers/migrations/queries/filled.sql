-- Whether any table beside the tool's own holds rows.
select exists (select from pg_class c
               join pg_namespace n on n.oid = c.relnamespace
               where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_t'
                 and c.oid is distinct from to_regclass(%(table)s) and pg_relation_size(c.oid) > 0) as holds
