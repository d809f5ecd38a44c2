-- The index by itself, where its table can't be read.
select bt_index_check(%(oid)s::oid::regclass, false)::text as sound
