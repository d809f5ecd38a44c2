-- Pages that were read and did not match their checksum, by database (empty: what all databases share).
-- data_checksums off: nobody would notice.
select coalesce(datname::text, '') as database, coalesce(checksum_failures, 0) as failures,
       extract(epoch from clock_timestamp() - checksum_last_failure)::float8 as ago,
       checksum_last_failure as last,
       current_setting('data_checksums') = 'on' as checked
from pg_stat_database
order by checksum_failures desc nulls last, datid
