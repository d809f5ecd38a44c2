-- Notes a version as not applied.
delete from {table} where {column} = %(version)s
