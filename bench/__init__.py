"""Measures Hutch against floors taken in the same run. ``make bench`` writes ``report.md`` and ``report.json``."""
