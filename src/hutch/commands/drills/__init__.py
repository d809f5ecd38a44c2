"""Drills: a fault is put into a service on purpose, and what Hutch then finds and does is measured and scored.

``catalogue`` finds the faults, ``process`` runs one, ``seen`` reads the event log, ``oncall`` plays the person,
``drill`` puts them together; ``result``, ``totals`` and ``report`` are pure.
"""
