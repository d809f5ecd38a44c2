-- One role: its own time-outs (for every database, and for single ones), who works as it, who may alter it.
select r.oid::int8 as oid, r.rolsuper as superuser, r.rolreplication as replication, r.rolname = %(login)s::text as ours,
       (select coalesce(jsonb_agg(jsonb_build_object('database', coalesce(d.datname, ''), 'setting', split_part(c, '=', 1),
                                                     'value', substr(c, strpos(c, '=') + 1))), '[]')
        from pg_db_role_setting s cross join unnest(s.setconfig) c left join pg_database d on d.oid = s.setdatabase
        where s.setrole = r.oid) as own,
       (select count(*) from pg_stat_activity a where a.usesysid = r.oid and a.backend_type = 'client backend') as sessions,
       (select coalesce(jsonb_agg(distinct a.application_name), '[]') from pg_stat_activity a
        where a.usesysid = r.oid and lower(a.application_name) like any (%(protected_applications)s::text[])) as protected,
       exists (select 1 from pg_settings where name = %(setting)s::text) as known,
       coalesce((select l.rolsuper or l.oid = r.oid or (l.rolcreaterole and (
                     current_setting('server_version_num')::int < 160000
                     or pg_has_role(l.oid, r.oid, 'member with admin option')))
                 from pg_roles l where l.rolname = %(login)s::text), false) as allowed
from pg_roles r
where r.rolname = %(role)s::text
