-- Takes a head away.
delete from {table} where version_num = %(version)s
