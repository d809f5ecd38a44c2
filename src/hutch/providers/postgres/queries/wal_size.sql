-- The files of the write-ahead log, together.
select coalesce(sum(size), 0)::float8 as bytes from pg_ls_waldir()
