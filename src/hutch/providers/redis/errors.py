"""What can go wrong with a Redis server, told apart, in words that hold no password."""

from __future__ import annotations

import re
from enum import StrEnum

from redis import exceptions


class Kind(StrEnum):
    """Why a command has no result."""

    REFUSED = "refused"  # nobody listens, no such host, or the connection was lost
    SILENT = "silent"  # somebody listens and does not answer in time
    AUTH = "auth"  # it answers and refuses this login
    LOADING = "loading"  # it has just started and reads its data back
    FULL = "full"  # maxclients is reached
    BUSY = "busy"  # a script runs, and nothing else until it ends
    DENIED = "denied"  # this login may not do that, or the command does not exist here (managed services)
    COMMAND = "command"  # the command itself is wrong, or refused for what it would do


UNREACHABLE = (Kind.REFUSED, Kind.SILENT, Kind.AUTH, Kind.LOADING)
"""Nothing can be asked: ``redis.unreachable``."""

_UNKNOWN_COMMAND = re.compile(r"unknown (sub)?command|unknown subcommand or wrong number", re.I)


class RedisError(Exception):
    """A classified failure; its text is safe to show. ``sent``: the command may have reached the server.

    ``lost``: a connection that had worked broke; a fresh one may do.
    """

    def __init__(self, kind: Kind, text: str, *, sent: bool = False, lost: bool = False) -> None:
        super().__init__(text)
        self.kind = kind
        self.sent = sent
        self.lost = lost

    @property
    def recoverable(self) -> bool:
        """Whether the same again may succeed in a while."""
        return self.kind in (Kind.REFUSED, Kind.SILENT, Kind.LOADING, Kind.FULL, Kind.BUSY)


def connecting(error: Exception, where: str) -> RedisError:
    """The failure to get a connection to ``where``."""
    if isinstance(error, exceptions.TimeoutError | TimeoutError):
        return RedisError(Kind.SILENT, f"{where}: no answer while connecting")
    kind = _kind(error)
    if kind in (Kind.DENIED, Kind.COMMAND):  # in the greeting only a login can be refused
        kind = Kind.AUTH
    return RedisError(kind, f"{where}: {_HEADS.get(kind, '')}{_one_line(error)}")


def asking(error: Exception, where: str, seconds: float) -> RedisError:
    """The failure of a command that went out on a connection that stood."""
    if isinstance(error, exceptions.TimeoutError | TimeoutError):
        return RedisError(Kind.SILENT, f"{where}: no answer within {seconds:g} s", sent=True)
    kind = _kind(error)
    if kind is Kind.REFUSED:
        return RedisError(kind, f"{where}: connection lost: {_one_line(error)}", sent=True, lost=True)
    return RedisError(kind, f"{where}: {_HEADS.get(kind, '')}{_one_line(error)}")


_HEADS = {
    Kind.AUTH: "the login is refused: ",
    Kind.LOADING: "it is loading its data: ",
    Kind.BUSY: "a script keeps it busy: ",
}


def _kind(error: Exception) -> Kind:
    text = str(error)
    if isinstance(error, exceptions.AuthenticationError):
        return Kind.AUTH
    if isinstance(error, exceptions.BusyLoadingError):
        return Kind.LOADING
    if isinstance(error, exceptions.NoPermissionError) or _UNKNOWN_COMMAND.search(text):
        return Kind.DENIED
    if "max number of clients" in text:
        return Kind.FULL
    if text.startswith("BUSY "):
        return Kind.BUSY
    return Kind.COMMAND if isinstance(error, exceptions.ResponseError) else Kind.REFUSED


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
