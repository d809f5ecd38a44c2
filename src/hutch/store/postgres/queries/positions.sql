SELECT position FROM events WHERE stream = %(stream)s ORDER BY seq
