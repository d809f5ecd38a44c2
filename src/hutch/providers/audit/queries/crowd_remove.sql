-- Ends the active blocks of exactly these networks that were made for this reason; their rows stay as a record.
update {blocks} b set {blocked_until} = now()
where network(b.{address}::inet) in (select asked.network::inet from unnest(%(networks)s::text[]) as asked (network))
  and b.{blocked_until} > now() and b.{reason} = %(reason)s
returning text(b.{address}::inet) as address
