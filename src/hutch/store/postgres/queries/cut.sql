-- Nothing where no mark stands behind what would go.
DELETE FROM events WHERE stream = %(stream)s AND seq <= %(upto)s AND EXISTS (
    SELECT 1 FROM events AS mark
    WHERE mark.stream = %(stream)s AND mark.seq = %(upto)s + 1 AND mark.kind = 'events.archived'
)
