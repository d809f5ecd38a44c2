-- Live: rows that came back and are not what the backup has of them, by the hash of their columns.
select count(*)::int as rows from {stage} s left join {table} t on {match}
where t.{first} is null or md5(row({stage_columns})::text) is distinct from md5(row({table_columns})::text)
