"""Accounts, sessions, tokens and one-time links: in a SQLite file beside the log, synced at each write, or on Postgres.

They are no events, since they change and hold hashes; that they changed is told in the log.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    Table,
    Text,
    delete,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from hutch.model.access import AccessRole, Permission
from hutch.model.accounts import Account, Session, Token
from hutch.model.event import instant, parse_instant
from hutch.ports import StoreAway
from hutch.store.aside import Tables, told

T = TypeVar("T")

PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000", "secure_delete=ON")

metadata = MetaData()
accounts = Table(
    "accounts",
    metadata,
    Column("name", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("grants", Text, nullable=False),
    Column("password", Text, nullable=False),
    Column("subject", Text, nullable=False, index=True),
    Column("disabled", Boolean, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("locked_until", Text, nullable=False),
    Column("created_at", Text, nullable=False),
)
sessions = Table(
    "sessions",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("name", Text, nullable=False, index=True),
    Column("begun_at", Text, nullable=False),
    Column("used_at", Text, nullable=False),
    Column("label", Text, nullable=False),
)
tokens = Table(
    "tokens",
    metadata,
    Column("id", Text, primary_key=True),
    Column("digest", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False, index=True),
    Column("label", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("expires_at", Text, nullable=False),
    Column("used_at", Text, nullable=False),
)
tickets = Table(
    "tickets",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("purpose", Text, nullable=False),
    Column("until", Text, nullable=False),
)
tries = Table(
    "tries",
    metadata,
    Column("key", Text, primary_key=True),
    Column("times", Text, nullable=False),
    Column("until", Text, nullable=False, index=True),
)
"""Tries within a window that moves: their times in one row a key, so that whoever counts has that row alone."""


class AccountTables(Tables):
    """Implements :class:`hutch.model.accounts.Accounts`. ``there`` says whether the place exists: asking makes none."""

    def __init__(self, engine: Callable[[], Engine], there: Callable[[], bool] = lambda: True) -> None:
        super().__init__(engine, metadata)
        self._there = there

    async def _do(self, work: Callable[[Connection], T]) -> T:
        async with self._turn:
            try:
                return await asyncio.to_thread(self._within, work)
            except IntegrityError:
                raise
            except (SQLAlchemyError, OSError) as error:
                raise StoreAway(f"accounts cannot be read or written: {told(error)}") from error

    # -------------------------------------------------------------- accounts

    async def any(self) -> bool:
        """Whether there is an account."""
        if self._engine is None and not self._there():
            return False
        return await self._do(lambda c: c.execute(select(accounts.c.name).limit(1)).first() is not None)

    async def every(self) -> list[Account]:
        """All, by name."""
        query = select(accounts).order_by(accounts.c.name)
        return [_account(row) for row in await self._do(lambda c: c.execute(query).all())]

    async def named(self, name: str) -> Account | None:
        """The one of that name."""
        return await self._one(accounts.c.name == name)

    async def of_subject(self, subject: str) -> Account | None:
        """The one whom the OpenID provider calls so."""
        return await self._one(accounts.c.subject == subject) if subject else None

    async def _one(self, which: Any) -> Account | None:
        row = await self._do(lambda c: c.execute(select(accounts).where(which)).first())
        return _account(row) if row else None

    async def add(self, account: Account) -> bool:
        """False where there is one of that name already."""
        row = {**_row(account), "failures": 0, "locked_until": "", "created_at": instant(account.created_at)}
        try:
            await self._do(lambda c: c.execute(insert(accounts).values(name=account.name, **row)))
        except IntegrityError:
            return False
        return True

    async def put(self, account: Account) -> None:
        """Replace the one of that name, but for its failures."""
        change = update(accounts).where(accounts.c.name == account.name).values(**_row(account))
        await self._do(lambda c: c.execute(change))

    async def strike(self, name: str, now: datetime, lock: Callable[[int], timedelta]) -> datetime | None:
        """See the port: counted in one statement, so that many tries at once are many."""

        def count(connection: Connection) -> datetime | None:
            mine = accounts.c.name == name
            free = mine & (accounts.c.locked_until <= instant(now))
            counted = update(accounts).where(free).values(failures=accounts.c.failures + 1)
            failures = connection.execute(counted.returning(accounts.c.failures)).scalar()
            if failures is None:
                until = connection.execute(select(accounts.c.locked_until).where(mine)).scalar()
                return parse_instant(str(until)) if until else None
            if length := lock(int(failures)):
                connection.execute(update(accounts).where(mine).values(locked_until=instant(now + length)))
            return None

        return await self._do(count)

    async def forgive(self, name: str) -> None:
        """The password was right: no failures."""
        change = update(accounts).where(accounts.c.name == name).values(failures=0, locked_until="")
        await self._do(lambda c: c.execute(change))

    async def hit(self, key: str, most: int, window: timedelta, now: datetime) -> bool:
        """See the port. The row is had by writing it first: two processes count one after the other."""

        def count(connection: Connection) -> bool:
            mine = tries.c.key == key
            if not connection.execute(update(tries).where(mine).values(key=key)).rowcount:
                connection.execute(insert(tries).values(key=key, times="", until=""))
            kept = str(connection.execute(select(tries.c.times).where(mine)).scalar_one()).split()
            times = [at for at in kept if at > instant(now - window)]
            if len(times) >= most:
                return False
            row = {"times": " ".join([*times, instant(now)]), "until": instant(now + window)}
            connection.execute(update(tries).where(mine).values(**row))
            return True

        await self._do(lambda c: c.execute(delete(tries).where(tries.c.until < instant(now))))
        try:
            return await self._do(count)
        except IntegrityError:  # another process has just made the row: now it is there
            return await self._do(count)

    # -------------------------------------------------------------- sessions

    async def keep_session(self, session: Session) -> None:
        """Keep a new one."""
        row = {"digest": session.digest, "name": session.name, "label": session.label}
        row |= {"begun_at": instant(session.begun_at), "used_at": instant(session.used_at)}
        await self._do(lambda c: c.execute(insert(sessions).values(**row)))

    async def session(self, digest: str) -> Session | None:
        """The one whose id has that digest."""
        row = await self._do(lambda c: c.execute(select(sessions).where(sessions.c.digest == digest)).first())
        return _session(row) if row else None

    async def sessions(self, name: str) -> list[Session]:
        """Somebody's, the latest used first."""
        query = select(sessions).where(sessions.c.name == name).order_by(sessions.c.used_at.desc())
        return [_session(row) for row in await self._do(lambda c: c.execute(query).all())]

    async def use_session(self, digest: str, at: datetime) -> None:
        """It was used."""
        change = update(sessions).where(sessions.c.digest == digest).values(used_at=instant(at))
        await self._do(lambda c: c.execute(change))

    async def end_sessions(self, name: str = "", digests: Sequence[str] = (), but: str = "") -> int:
        """End these, or all of somebody's but one; how many."""
        which = sessions.c.digest.in_(digests) if digests else (sessions.c.name == name) & (sessions.c.digest != but)
        if digests and name:
            which &= sessions.c.name == name
        return await self._do(lambda c: c.execute(delete(sessions).where(which)).rowcount)

    async def forget_sessions(self, begun: datetime, used: datetime) -> None:
        """Let go of those that began, or were used last, before."""
        old = or_(sessions.c.begun_at < instant(begun), sessions.c.used_at < instant(used))
        await self._do(lambda c: c.execute(delete(sessions).where(old)))

    # -------------------------------------------------------------- tokens

    async def keep_token(self, token: Token) -> None:
        """Keep a new one."""
        row = {"id": token.id, "digest": token.digest, "name": token.name, "label": token.label, "used_at": ""}
        row |= {"created_at": instant(token.created_at), "expires_at": instant(token.expires_at)}
        row["scopes"] = " ".join(sorted(token.scopes))
        await self._do(lambda c: c.execute(insert(tokens).values(**row)))

    async def token(self, digest: str) -> Token | None:
        """The one with that digest."""
        row = await self._do(lambda c: c.execute(select(tokens).where(tokens.c.digest == digest)).first())
        return _token(row) if row else None

    async def tokens(self, name: str = "") -> list[Token]:
        """Somebody's, or all."""
        query = select(tokens).where(tokens.c.name == name if name else tokens.c.id != "").order_by(tokens.c.created_at)
        return [_token(row) for row in await self._do(lambda c: c.execute(query).all())]

    async def use_token(self, digest: str, at: datetime) -> None:
        """It was used."""
        change = update(tokens).where(tokens.c.digest == digest).values(used_at=instant(at))
        await self._do(lambda c: c.execute(change))

    async def end_token(self, token_id: str, name: str = "") -> bool:
        """End it, where it is somebody's of that name; False where there is none."""
        which = (tokens.c.id == token_id) & (tokens.c.name == name if name else tokens.c.id != "")
        return await self._do(lambda c: c.execute(delete(tokens).where(which)).rowcount) > 0

    # -------------------------------------------------------------- one-time links

    async def keep_ticket(self, digest: str, purpose: str, until: datetime) -> None:
        """A one-time link; it replaces those of the same purpose."""

        def keep(connection: Connection) -> None:
            connection.execute(delete(tickets).where(tickets.c.purpose == purpose))
            connection.execute(insert(tickets).values(digest=digest, purpose=purpose, until=instant(until)))

        await self._do(keep)

    async def ticket(self, digest: str, now: datetime) -> str:
        """What it is for; empty where there is none or its time is over."""
        query = select(tickets.c.purpose).where((tickets.c.digest == digest) & (tickets.c.until > instant(now)))
        return str(await self._do(lambda c: c.execute(query).scalar()) or "")

    async def take_ticket(self, digest: str, now: datetime) -> str:
        """The same, and it is gone: of two who take it one gets it."""
        which = (tickets.c.digest == digest) & (tickets.c.until > instant(now))
        taken = delete(tickets).where(which).returning(tickets.c.purpose)
        return str(await self._do(lambda c: c.execute(taken).scalar()) or "")


def _row(account: Account) -> dict[str, object]:
    return {
        "role": account.role.value if account.role else "",
        "grants": json.dumps({k: v.value for k, v in account.grants.items()}, sort_keys=True),
        "password": account.password,
        "subject": account.subject,
        "disabled": account.disabled,
    }


def _account(row: Any) -> Account:
    found = Account(
        name=row.name,
        role=AccessRole(row.role) if row.role else None,
        created_at=parse_instant(row.created_at),
        grants={k: AccessRole(v) for k, v in json.loads(row.grants).items()},
        password=row.password,
        subject=row.subject,
        disabled=row.disabled,
        failures=row.failures,
    )
    return replace(found, locked_until=parse_instant(row.locked_until)) if row.locked_until else found


def _session(row: Any) -> Session:
    return Session(row.digest, row.name, parse_instant(row.begun_at), parse_instant(row.used_at), row.label)


def _token(row: Any) -> Token:
    return Token(
        id=row.id,
        digest=row.digest,
        name=row.name,
        label=row.label,
        scopes=frozenset(Permission(s) for s in row.scopes.split()),
        created_at=parse_instant(row.created_at),
        expires_at=parse_instant(row.expires_at),
        used_at=parse_instant(row.used_at) if row.used_at else None,
    )
