-- Ends the account's active restrictions of that kind, of every kind without one; their rows stay as a record.
update {restrictions} r set {restricted_until} = now()
where r.{account}::text = %(account)s and r.{restricted_until} > now()
  and (%(kind)s = '' or r.{restriction} = %(kind)s)
returning r.{restriction} as kind
