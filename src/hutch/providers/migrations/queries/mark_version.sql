-- Notes a version as applied; one that is noted already stays as it is.
insert into {table} ({column}) values (%(version)s) on conflict do nothing
