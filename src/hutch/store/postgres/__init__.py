"""The event log on a Postgres server, for any number of processes on any number of machines (DESIGN §4, "Grown up").

``store`` is the store, ``writer`` writes what is waiting as one transaction, ``group`` decides what such a transaction
holds (pure), ``server`` is connections, ``listen`` hears of what others wrote, ``schema`` the version of the database,
``verify`` the offline proof. The jobs are a queue's affair: ``hutch.queue.postgres``.
"""
