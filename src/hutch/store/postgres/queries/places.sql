SELECT position, stream, seq FROM events WHERE position > %(position)s ORDER BY position LIMIT %(limit)s
