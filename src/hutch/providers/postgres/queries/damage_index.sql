-- An error where the index is not in order, or misses a row of its table. Holds nobody up.
select bt_index_check(%(oid)s::oid::regclass, true)::text as sound
