"""Postgres and Valkey out of Python wheels: real servers for the demo, the drills and the tests, nothing to install."""

from __future__ import annotations

from rolerabbit.embedded.errors import EmbeddedError, PortTaken
from rolerabbit.embedded.postgres import Postgres
from rolerabbit.embedded.valkey import Valkey

__all__ = ["EmbeddedError", "PortTaken", "Postgres", "Valkey"]
