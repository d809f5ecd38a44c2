-- Steps the limit up, unless it is already.
insert into {limits} ({limit}, {divisor}, {reason}, {stepped_until})
select %(kind)s::text, %(divisor)s::int, %(reason)s::text, now() + make_interval(mins => %(minutes)s::int)
where not exists (select from {limits} l where l.{limit} = %(kind)s::text and l.{stepped_until} > now()
                  and l.{divisor} >= %(divisor)s::int)
returning {stepped_until} as stepped_until
