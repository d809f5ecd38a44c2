-- One index, or every one of a table: what a rebuild would work on, and what an earlier one has left beside it.
select c.oid::int8 as oid, c.relname::text as index, t.relname::text as table, n.nspname::text as schema,
       pg_get_userbyid(t.relowner)::text as owner, c.relkind::text as kind, pg_relation_size(c.oid) as bytes,
       i.indisvalid and i.indisready as valid, i.indisexclusion as exclusion,
       exists (select 1 from pg_stat_progress_create_index p where p.relid = t.oid) as building,
       (select coalesce(json_agg(lc.relname::text order by lc.relname), '[]')
        from pg_index l join pg_class lc on lc.oid = l.indexrelid
        where l.indrelid = t.oid and not l.indisvalid and lc.oid <> c.oid
          and lc.relname ~ '_cc(new|old)[0-9]*$'
          and starts_with(c.relname, regexp_replace(lc.relname, '_cc(new|old)[0-9]*$', ''))) as leftovers,
       {may_tend_table} as allowed
from pg_index i
join pg_class c on c.oid = i.indexrelid
join pg_class t on t.oid = i.indrelid
join pg_namespace n on n.oid = c.relnamespace
where n.nspname = %(schema)s::text and n.nspname !~ '^pg_'
  and (c.relname = %(index)s::text or (t.relname = %(table)s::text and i.indisvalid))
order by c.relname
