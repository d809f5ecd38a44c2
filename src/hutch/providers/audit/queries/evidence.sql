-- Every row of one table since then, oldest first, as it is.
select to_jsonb(t)::text as row from {source} t
where t.{at} > now() - make_interval(days => %(days)s::int)
order by t.{at}
limit %(most)s
