-- Ends the steps of this kind of limit; their rows stay as a record.
update {limits} l set {stepped_until} = now()
where l.{limit} = %(kind)s::text and l.{stepped_until} > now()
returning l.{divisor} as divisor
