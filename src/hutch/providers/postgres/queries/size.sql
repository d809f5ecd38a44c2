-- What this database takes on disk, in bytes.
select pg_database_size(current_database())::float8 as bytes
