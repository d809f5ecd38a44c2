-- Scratch: what the audit log says of deleted rows of one table: key, whether it is among those to bring back, when.
create unlogged table {deaths} ({columns}, wanted boolean not null, at timestamptz, n bigint)
