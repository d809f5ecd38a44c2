case
    when a.backend_type is null then 'can''t be seen by this login: grant it pg_monitor'
    when a.backend_type <> 'client backend' then 'is a ' || a.backend_type || ', not a client'
    when a.pid = pg_backend_pid() then 'is our own session'
    when r.rolsuper then 'belongs to the superuser ' || r.rolname
    when a.usename::text = any (%(protected_roles)s::text[]) then 'belongs to the protected role ' || a.usename
    when lower(a.application_name) like any (%(protected_applications)s::text[])
        then 'belongs to the protected application ' || a.application_name
end
