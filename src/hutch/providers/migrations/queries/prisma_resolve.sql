-- Closes the failed tries of a migration, as `prisma migrate resolve` does.
update {table} set rolled_back_at = now()
where migration_name = %(version)s and finished_at is null and rolled_back_at is null
