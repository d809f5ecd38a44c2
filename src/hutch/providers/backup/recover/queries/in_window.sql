-- Live: whether the audit log knows any deletion of this kind in the window.
select exists (
    select from {audit} a
    where {action_column}::text like {pattern} and {at_column}::timestamptz >= {since}::timestamptz
      and {at_column}::timestamptz <= {until}::timestamptz
      and ({account}::text is null or {who_column}::text = {account}::text)
) as found
