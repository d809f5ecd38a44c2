-- Scratch: the next rows whose reference the deletion emptied (ON DELETE SET NULL or SET DEFAULT), by their key.
select row_number() over (order by {keys}) as n, {texts} from {table} b
where exists (select from {parent} r join {parent_pick} q on {parent_match} where {refers} and q.status = 'back')
order by {keys} limit $1
