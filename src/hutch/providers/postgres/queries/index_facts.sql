-- One index: what it is over, whether it can be used, is being built, or carries a constraint.
select t.relname::text as table, i.indisvalid and i.indisready as valid,
       exists (select 1 from pg_stat_progress_create_index p where p.index_relid = c.oid) as building,
       pg_relation_size(c.oid) as bytes, pg_get_indexdef(c.oid) as definition,
       (select conname::text from pg_constraint k where k.conindid = c.oid limit 1) as carries,
       (select jsonb_agg(pg_get_indexdef(c.oid, k, true)
                   || case when i.indoption[k - 1] & 1 = 1 then ' DESC' else '' end order by k)
        from generate_series(1, i.indnkeyatts) as k) as keys,
       i.indisunique as unique, i.indisreplident as identity, pg_get_userbyid(t.relowner)::text as owner,
       coalesce((select u.idx_scan from pg_stat_all_indexes u where u.indexrelid = c.oid), 0) as scans,
       (select extract(epoch from now() - greatest(stats_reset, pg_postmaster_start_time())) / 86400
        from pg_stat_database where datname = current_database())::float8 as counted_days,
       (select count(*) from pg_stat_replication) as replicas,
       -- another that serves as well: same table, method, condition, its first keys in the same order and classes
       (select oc.relname::text from pg_index o join pg_class oc on oc.oid = o.indexrelid
        where o.indrelid = i.indrelid and o.indexrelid <> i.indexrelid and o.indisvalid and o.indisready
          and oc.relam = c.relam and i.indexprs is null and o.indexprs is null
          and o.indpred is not distinct from i.indpred and (not i.indisunique or o.indisunique)
          and o.indnkeyatts >= i.indnkeyatts and (not i.indisunique or o.indnkeyatts = i.indnkeyatts)
          and (o.indkey::int2[])[0:i.indnkeyatts - 1] = (i.indkey::int2[])[0:i.indnkeyatts - 1]
          and (o.indclass::oid[])[0:i.indnkeyatts - 1] = (i.indclass::oid[])[0:i.indnkeyatts - 1]
          and (o.indcollation::oid[])[0:i.indnkeyatts - 1] = (i.indcollation::oid[])[0:i.indnkeyatts - 1]
          and (o.indoption::int2[])[0:i.indnkeyatts - 1] = (i.indoption::int2[])[0:i.indnkeyatts - 1]
          and (i.indkey::int2[]) <@ (o.indkey::int2[])
        order by o.indisprimary desc, oc.relname limit 1) as covered,
       (select k.conname::text from pg_constraint k
        where k.contype = 'f' and k.conrelid = i.indrelid and k.conkey[1] = (i.indkey::int2[])[0] limit 1) as refers,
       coalesce((select pg_has_role(l.oid, c.relowner, 'usage')
                 from pg_roles l where l.rolname = %(login)s::text), false) as allowed
from pg_class c
join pg_index i on i.indexrelid = c.oid
join pg_class t on t.oid = i.indrelid
join pg_namespace n on n.oid = c.relnamespace
where n.nspname = %(schema)s::text and c.relname = %(index)s::text and c.relkind = 'i' and n.nspname !~ '^pg_'
