"""Accounts, sessions and tokens as they are kept, and the port that keeps them. No secret is among them: passwords are
kept as argon2id hashes, sessions, tokens and one-time links as SHA-256 of what their holder has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from hutch.model.access import AccessRole, Grants, Permission, Person


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may sign in. ``subject`` is who they are to the OpenID provider: its issuer, a space, its name.

    Without ``password`` they can't sign in here, without ``subject`` not there.
    """

    name: str
    role: AccessRole | None
    created_at: datetime
    grants: Grants = field(default_factory=dict)
    password: str = ""
    subject: str = ""
    disabled: bool = False
    failures: int = 0
    locked_until: datetime | None = None

    def person(self, scopes: frozenset[Permission] | None = None) -> Person:
        """Who asks, when this account does."""
        return Person(self.name, self.role, self.grants, scopes, proved=True)


@dataclass(frozen=True, slots=True)
class Session:
    """One browser of somebody's. ``digest`` is of its id; ``label`` what the browser calls itself."""

    digest: str
    name: str
    begun_at: datetime
    used_at: datetime
    label: str = ""


@dataclass(frozen=True, slots=True)
class Token:
    """A token of somebody's for the API. ``id`` is its visible part; ``digest`` is of the whole."""

    id: str
    digest: str
    name: str
    label: str
    scopes: frozenset[Permission]
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None


class Accounts(Protocol):
    """Keeps them. Raises ``StoreAway`` where they cannot be read or written: then nobody comes in."""

    async def any(self) -> bool:
        """Whether there is an account."""

    async def every(self) -> list[Account]:
        """All, by name."""

    async def named(self, name: str) -> Account | None:
        """The one of that name."""

    async def of_subject(self, subject: str) -> Account | None:
        """The one whom the OpenID provider calls so."""

    async def add(self, account: Account) -> bool:
        """False where there is one of that name already."""

    async def put(self, account: Account) -> None:
        """Replace the one of that name, but for its failures."""

    async def strike(self, name: str, now: datetime, lock: Callable[[int], timedelta]) -> datetime | None:
        """Count a try at a password before it is looked at, and lock for ``lock`` of that many tries from now. The time
        until which the account was locked already, where it was: then it does not count."""

    async def forgive(self, name: str) -> None:
        """The password was right: no failures."""

    async def hit(self, key: str, most: int, window: timedelta, now: datetime) -> bool:
        """Count one more under ``key``, whichever process counts; False, and not counted, where ``most`` were counted
        within the ``window`` that ends now."""

    async def keep_session(self, session: Session) -> None:
        """Keep a new one."""

    async def session(self, digest: str) -> Session | None:
        """The one whose id has that digest."""

    async def sessions(self, name: str) -> list[Session]:
        """Somebody's, the latest used first."""

    async def use_session(self, digest: str, at: datetime) -> None:
        """It was used."""

    async def end_sessions(self, name: str = "", digests: Sequence[str] = (), but: str = "") -> int:
        """End these, or all of somebody's but one; how many."""

    async def forget_sessions(self, begun: datetime, used: datetime) -> None:
        """Let go of those that began, or were used last, before."""

    async def keep_token(self, token: Token) -> None:
        """Keep a new one."""

    async def token(self, digest: str) -> Token | None:
        """The one with that digest."""

    async def tokens(self, name: str = "") -> list[Token]:
        """Somebody's, or all."""

    async def use_token(self, digest: str, at: datetime) -> None:
        """It was used."""

    async def end_token(self, token_id: str, name: str = "") -> bool:
        """End it, where it is somebody's of that name; False where there is none."""

    async def keep_ticket(self, digest: str, purpose: str, until: datetime) -> None:
        """A one-time link; it replaces those of the same purpose."""

    async def ticket(self, digest: str, now: datetime) -> str:
        """What it is for; empty where there is none or its time is over."""

    async def take_ticket(self, digest: str, now: datetime) -> str:
        """The same, and it is gone: of two who take it one gets it."""

    async def close(self) -> None:
        """Let go."""
