-- The step of this kind of limit that ends last.
select max(l.{stepped_until}) as stepped_until, max(l.{divisor}) as divisor from {limits} l
where l.{limit} = %(kind)s::text and l.{stepped_until} > now()
