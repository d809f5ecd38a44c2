"""The event log and its jobs on SQLite: one file, several processes, nothing acknowledged is ever lost.

``sqlite`` is the store, ``database`` the writer thread and the readers, ``log`` and ``jobs`` the statements,
``schema`` the version of the file, ``verify`` the offline proof.
"""
