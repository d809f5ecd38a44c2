-- \l: databases.
select datname as "Name", pg_get_userbyid(datdba) as "Owner", pg_encoding_to_char(encoding) as "Encoding",
       datcollate as "Collate", datctype as "Ctype"
from pg_database
where datname like %(pattern)s
order by 1
