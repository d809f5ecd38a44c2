"""A database session that does not wait for ever: a server, or a proxy before it, may stop answering without a word.

The server's own ``statement_timeout`` ends a statement that takes too long, and TCP notices a machine that is gone.
Neither helps where the connection stands and nothing comes any more.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen

T = TypeVar("T")
MARGIN = 2.0
"""Seconds beyond the server's own limit after which a silent server counts as hanging."""
CANCEL_WITHIN = 5.0


class Patient(psycopg.AsyncConnection[Any]):
    """``patience``: seconds to wait for one answer (a statement's end, a piece of a COPY); None: without end.

    After them the server is told to stop and the connection is closed: an ``OperationalError`` without SQLSTATE, as for
    one that was cut. Whether the statement was done is then not known.
    """

    patience: float | None = None

    async def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        """Every answer comes by this way."""
        most, began = self.patience if timeout is None else timeout, time.monotonic()
        try:
            return await super().wait(gen, interval, most)
        except psycopg.OperationalError as error:
            if most is None or error.sqlstate is not None or time.monotonic() - began < most:
                raise
            with suppress(psycopg.Error):
                await self.cancel_safe(timeout=CANCEL_WITHIN)
            await self.close()
            raise psycopg.OperationalError(f"no answer within {most:g} s") from None
