-- Live: the last deletion of each key that the audit log knows since the backup, and whether it is one to undo.
copy (
    select distinct on ({names}) {names},
           at >= {since}::timestamptz and at <= {until}::timestamptz and ({account}::text is null or who = {account}::text)
             as wanted,
           at, 0 as n
    from (select {keys}, {at_column}::timestamptz as at, {who_column}::text as who from {audit} a
          where {action_column}::text like {pattern} and {at_column} > {after}::timestamptz) entries
    where ({names}) is not null
    order by {names}, at desc
) to stdout
