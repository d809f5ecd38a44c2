-- Notes a migration as rolled back.
update {table} set rolled_back_at = now() where migration_name = %(version)s and rolled_back_at is null
