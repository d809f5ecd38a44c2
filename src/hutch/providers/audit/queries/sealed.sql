-- How many rows each encryption key has sealed.
select {key} as key, count(*)::int as rows from {profiles} group by {key} order by {key}
