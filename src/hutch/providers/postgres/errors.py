"""What can go wrong with a Postgres server, told apart, in words that hold no password."""

from __future__ import annotations

import re
from enum import StrEnum

import psycopg
from psycopg.conninfo import conninfo_to_dict


class Kind(StrEnum):
    """Why a statement has no result."""

    UNREACHABLE = "unreachable"  # no server, or none that takes sessions: down, starting, stopping, lost
    AUTH = "auth"  # it answers and refuses this login: password, role, pg_hba.conf, database
    EXHAUSTED = "exhausted"  # SQLSTATE 53300: no connection left, not even a reserved one
    TIMEOUT = "timeout"  # longer than statement_timeout, or no answer at all
    LOCKED = "locked"  # longer than lock_timeout
    PERMISSION = "permission"  # SQLSTATE 42501
    FULL = "full"  # SQLSTATE 53100: the server's disk is full
    DAMAGED = "damaged"  # SQLSTATE XX001, XX002: a page or an index is not as it was written
    SQL = "sql"  # the statement itself is wrong


CAUSE_CODES = {
    Kind.UNREACHABLE: "postgres.unreachable",
    Kind.AUTH: "postgres.auth",
    Kind.EXHAUSTED: "postgres.connections_exhausted",
    Kind.FULL: "postgres.disk_full",
    Kind.DAMAGED: "postgres.corruption",
}


class PostgresError(Exception):
    """A classified failure; its text is safe to show. ``sent`` says that the statement may have reached the server,
    ``silent`` that the server did not even keep its own time limit."""

    def __init__(self, kind: Kind, text: str, *, sent: bool = False, lost: bool = False, silent: bool = False) -> None:
        super().__init__(text)
        self.kind = kind
        self.sent = sent
        self.lost = lost
        self.silent = silent

    def again(self) -> PostgresError:
        """The same, for somebody else, whose statement was never sent."""
        return PostgresError(self.kind, str(self), silent=self.silent)

    @property
    def recoverable(self) -> bool:
        """Whether the same again may succeed in a while."""
        return self.kind in (Kind.UNREACHABLE, Kind.EXHAUSTED, Kind.TIMEOUT, Kind.LOCKED)


# https://www.postgresql.org/docs/current/errcodes-appendix.html
_STATES = {
    "53300": Kind.EXHAUSTED,
    "53100": Kind.FULL,
    "XX001": Kind.DAMAGED,
    "XX002": Kind.DAMAGED,
    "57014": Kind.TIMEOUT,
    "55P03": Kind.LOCKED,
    "42501": Kind.PERMISSION,
    "25006": Kind.PERMISSION,
    "28000": Kind.AUTH,
    "28P01": Kind.AUTH,
    "3D000": Kind.AUTH,
}
_LOST_STATES = ("57P01", "57P02", "57P03", "57P05", "25P03", "25P04")  # shutting down, ended, timed out by the server

# libpq keeps no SQLSTATE for a refused connection, so the server's words decide.
_REFUSALS = (
    (Kind.EXHAUSTED, re.compile(r"too many (clients|connections)|remaining connection slots", re.I)),
    (
        Kind.AUTH,
        re.compile(
            r"authentication failed|no password supplied|no pg_hba\.conf entry|pg_hba\.conf rejects|"
            r"(role|database) \"[^\"]*\" does not exist|is not permitted to log in|permission denied for database",
            re.I,
        ),
    ),
)
_PASSWORD_IN_URL = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*:)?//(?P<user>[^/@:\s\"]*):[^/@\s\"]*@", re.I)
_PASSWORD_KEY = re.compile(r"(password\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&]+)", re.I)


def masked(text: str) -> str:
    """``text`` with the passwords of addresses in it replaced.

    >>> masked("postgresql://app:secret@db/shop and password=hidden")
    'postgresql://app:•••@db/shop and password=•••'
    """
    without = _PASSWORD_IN_URL.sub(lambda m: f"{m['scheme'] or ''}//{m['user']}:•••@", text)
    return _PASSWORD_KEY.sub(r"\1•••", without)


def place(url: str) -> tuple[str, str]:
    """Where the address leads as ``host:port``, and its database. PostgresError, without quoting it, if it is none."""
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise PostgresError(
            Kind.SQL, "the database address can't be read: expected postgresql://user:password@host:5432/name"
        ) from None
    host = parts.get("host") or parts.get("hostaddr") or "localhost"
    return f"{host}:{parts.get('port') or 5432}", str(parts.get("dbname") or parts.get("user") or "postgres")


def login(url: str) -> str:
    """The role that an address logs in as; empty where it leaves that to its surroundings."""
    return str(conninfo_to_dict(url).get("user") or "")


def refused(error: psycopg.Error | OSError, where: str) -> PostgresError:
    """The failure to connect to ``where``."""
    text = _one_line(error)
    kind = _STATES.get(getattr(error, "sqlstate", None) or "")
    kind = kind or next((kind for kind, words in _REFUSALS if words.search(text)), Kind.UNREACHABLE)
    return PostgresError(kind, f"{where}: {text}")


def failed(error: psycopg.Error, where: str, *, lost: bool) -> PostgresError:
    """The failure of a statement; ``lost`` when the connection went with it."""
    state = error.sqlstate or ""
    if lost or state in _LOST_STATES:
        return PostgresError(Kind.UNREACHABLE, f"{where}: connection lost: {_one_line(error)}", sent=True, lost=True)
    if "cannot insert multiple commands" in str(error):
        return PostgresError(Kind.SQL, "more than one statement in one step: put each into a step of its own")
    return PostgresError(_STATES.get(state, Kind.SQL), _one_line(error))


def _one_line(error: BaseException) -> str:
    text = masked(" ".join(str(error).split()))
    return re.sub(r"^connection failed: (connection to server [^:]*: )?", "", text) or type(error).__name__
