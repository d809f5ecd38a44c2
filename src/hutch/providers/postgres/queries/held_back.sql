-- Who keeps vacuum from removing what is dead, the oldest first: sessions, replication slots, prepared transactions.
select * from (
    select 'session ' || a.pid || ' of ' || coalesce(a.usename::text, '') || ' ' || coalesce(a.application_name, '') as who,
           greatest(age(a.backend_xmin), age(a.backend_xid)) as age
    from pg_stat_activity a
    where (a.backend_xmin is not null or a.backend_xid is not null) and a.pid <> pg_backend_pid()
      and (a.datname = current_database() or a.datname is null)
    union all
    select 'replication slot ' || slot_name, greatest(age(xmin), age(catalog_xmin)) from pg_replication_slots
    where xmin is not null or catalog_xmin is not null
    union all
    select 'prepared transaction ' || gid, age(transaction) from pg_prepared_xacts where database = current_database()
) held
where age > %(least)s::int8
order by age desc
limit 3
