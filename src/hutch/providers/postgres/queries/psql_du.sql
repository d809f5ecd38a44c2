-- \du: roles and what they may do.
select rolname as "Role name",
       concat_ws(', ',
           case when rolsuper then 'Superuser' end,
           case when rolcreaterole then 'Create role' end,
           case when rolcreatedb then 'Create DB' end,
           case when not rolcanlogin then 'Cannot login' end,
           case when rolreplication then 'Replication' end,
           case when rolconnlimit >= 0 then rolconnlimit || ' connections' end) as "Attributes"
from pg_roles
where rolname !~ '^pg_' and rolname like %(pattern)s
order by 1
