-- Adds a head.
insert into {table} (version_num) values (%(version)s)
