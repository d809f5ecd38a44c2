"""What Postgres and its driver report, said so that a person knows what to do. Passwords are in none of their texts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from procrastinate.exceptions import ConnectorException
from psycopg import errors

from hutch.ports import StoreAway, StoreFull
from hutch.store.errors import StoreError

Reported = (psycopg.Error, ConnectorException)
"""What the driver raises, and the queue's library around it."""

_AWAY = {
    "25006",  # read_only_sql_transaction: we were connected to a standby
    "53300",  # too_many_connections
    "55P03",  # lock_not_available: somebody has held the log's end for longer than we wait
    "57P01",  # admin_shutdown
    "57P02",  # crash_shutdown
    "57P03",  # cannot_connect_now
    "57P05",  # idle_session_timeout
    "25P03",  # idle_in_transaction_session_timeout
}
"""SQLSTATEs that mean: not now; by another connection, or a little later. Class 08 is connections."""

_AGAIN = {"40001", "40P01", "23505"}
"""Somebody else was quicker: the same transaction may well succeed when it is tried once more."""


def driver_error(error: BaseException) -> psycopg.Error | None:
    """The driver's own error, also from inside the queue library's."""
    found: BaseException | None = error
    while found is not None and not isinstance(found, psycopg.Error):
        found = found.__cause__ or found.__context__
    return found


def is_away(error: BaseException) -> bool:
    """The server, or our connection to it, is gone: it may be there again soon."""
    found = driver_error(error)
    if found is None or isinstance(found, errors.DiskFull):
        return False
    state = found.sqlstate
    if state:
        return state in _AWAY or state.startswith("08")
    return isinstance(found, psycopg.OperationalError | psycopg.InterfaceError)


def is_clash(error: BaseException) -> bool:
    """Two transactions got into each other's way."""
    found = driver_error(error)
    return found is not None and found.sqlstate in _AGAIN


def away(place: str, error: BaseException) -> StoreAway:
    """For a server that did not come back in time."""
    said = str(driver_error(error) or error).strip().replace("\n", "; ")
    return StoreAway(f"the store at {place} can't be reached: {said}; check the server and HUTCH_DATABASE_URL")


def explained(place: str, error: BaseException) -> StoreError | StoreFull | StoreAway:
    """The error in words. Codes: Postgres documentation, appendix A."""
    found = driver_error(error)
    if isinstance(found, errors.DiskFull):
        return StoreFull(f"{place}: the server's disk is full, nothing was written; free some space and try again")
    if is_away(error):
        return away(place, error)
    said = str(found or error).strip().replace("\n", "; ")
    if isinstance(found, errors.InsufficientPrivilege):
        return StoreError(
            f"this login may not do that: {said}", place, "grant it; `hutch doctor` names what is missing"
        )
    return StoreError(f"Postgres says: {said}", place, "run `hutch doctor`")


@contextmanager
def explaining(place: str) -> Iterator[None]:
    """Turns what the driver raises inside into ours."""
    try:
        yield
    except Reported as error:
        raise explained(place, error) from error
