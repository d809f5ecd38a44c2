SELECT EXISTS (SELECT FROM events WHERE stream = %(stream)s AND seq = %(seq)s AND hash = %(hash)s)
