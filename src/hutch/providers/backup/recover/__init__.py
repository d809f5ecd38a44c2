"""Bringing back rows that were deleted: from a backup, in a scratch database, without touching a row that exists."""
