-- The table of versions as dbmate makes it.
create table if not exists {table} (version varchar(128) primary key)
