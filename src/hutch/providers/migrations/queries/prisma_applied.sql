-- Notes a migration as applied without its having been run, as `prisma migrate resolve --applied` does.
insert into {table} (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
values (gen_random_uuid()::text, %(checksum)s, %(version)s, now(), now(), 0)
