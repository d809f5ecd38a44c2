-- Moves a head from one revision to another.
update {table} set version_num = %(version)s where version_num = %(from)s
