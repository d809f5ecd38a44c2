"""Damaged files: which tables and indexes they are, and a copy of all that can still be read."""
