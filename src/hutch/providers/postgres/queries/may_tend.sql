-- Whether a login may vacuum, analyze and reindex the relation c: its owner, the database's, or (from 17) MAINTAIN.
coalesce((
    select l.rolsuper or pg_has_role(l.oid, c.relowner, 'usage')
        or pg_has_role(l.oid, (select datdba from pg_database where datname = current_database()), 'usage')
        or exists (select 1 from pg_roles m where m.rolname = 'pg_maintain' and pg_has_role(l.oid, m.oid, 'usage'))
        or exists (select 1 from aclexplode(c.relacl) a where a.privilege_type = 'MAINTAIN'
                   and (a.grantee = 0 or pg_has_role(l.oid, a.grantee, 'usage')))
    from pg_roles l where l.rolname = %(login)s::text), false)
