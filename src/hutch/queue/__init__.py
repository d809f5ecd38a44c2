"""Takes the jobs that commits deferred. ``local`` needs nothing but the store's own jobs table."""
