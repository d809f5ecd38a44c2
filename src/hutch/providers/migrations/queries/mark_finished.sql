-- Notes a version as finished, where the table says when it was begun.
update {table} set finished_at = now() where {column} = %(version)s and finished_at is null
