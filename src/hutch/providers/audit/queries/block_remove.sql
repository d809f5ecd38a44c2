-- Ends the active blocks of exactly this network; their rows stay as a record.
update {blocks} b set {blocked_until} = now()
where b.{address}::inet = %(network)s::inet and b.{blocked_until} > now()
returning text(b.{address}::inet) as address
