-- \dn: schemas, those of the system left out.
select nspname as "Name", pg_get_userbyid(nspowner) as "Owner"
from pg_namespace
where nspname !~ '^pg_' and nspname <> 'information_schema' and nspname like %(pattern)s
order by 1
