"""Who may do what: permissions, roles, and the one table of which role has which permission. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum


class Permission(StrEnum):
    """What a page, a form or an operation of the API asks for. All but the first two are scopes of a token too."""

    OPEN = "open"  # nobody has to be known: signing in, files of the page, what proves itself
    OWN = "own"  # whoever is signed in, about their own account
    READ = "read"
    REPORT = "report"
    RESPOND = "respond"
    APPROVE = "approve"
    COMMAND = "command"
    DESTROY = "destroy"
    ADMINISTER = "administer"


class AccessRole(StrEnum):
    """What somebody may do with Hutch, everywhere or with one service; each has all that the one before has."""

    VIEWER = "viewer"
    RESPONDER = "responder"
    COMMANDER = "commander"
    ADMIN = "admin"


_VIEWER = frozenset({Permission.READ, Permission.REPORT})
_RESPONDER = _VIEWER | {Permission.RESPOND, Permission.APPROVE}
_COMMANDER = _RESPONDER | {Permission.COMMAND, Permission.DESTROY}

ALLOWED: Mapping[AccessRole, frozenset[Permission]] = {
    AccessRole.VIEWER: _VIEWER,
    AccessRole.RESPONDER: _RESPONDER,
    AccessRole.COMMANDER: _COMMANDER,
    AccessRole.ADMIN: _COMMANDER | {Permission.ADMINISTER},
}
"""The table. ``open`` and ``own`` stand in no row: the first needs nobody, the second only somebody."""

SCOPES: tuple[Permission, ...] = tuple(p for p in Permission if p not in (Permission.OPEN, Permission.OWN))
"""What a token may be limited to."""

Grants = Mapping[str, AccessRole]
"""Roles for single services, by the service's name."""


@dataclass(frozen=True, slots=True)
class Circle:
    """Who may look into an incident or a run: its service, and for a private incident the people who are let in.

    ``incident`` is the one that a run belongs to.
    """

    service: str = ""
    private: bool = False
    people: frozenset[str] = frozenset()
    incident: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks. ``proved``: signed in, or holds a token. ``scopes`` None: not limited. ``everybody``: nobody signs in
    here, and whoever reaches the server may do everything."""

    name: str = ""
    role: AccessRole | None = None
    grants: Grants = field(default_factory=dict)
    scopes: frozenset[Permission] | None = None
    proved: bool = False
    everybody: bool = False

    def may(self, permission: Permission, service: str = "") -> bool:
        """Everywhere, or with that service."""
        if permission is Permission.OPEN or self.everybody:
            return True
        if permission is Permission.OWN:
            return self.proved and self.scopes is None
        return self._in_scope(permission) and any(permission in ALLOWED[r] for r in self._roles(service))

    def may_somewhere(self, permission: Permission) -> bool:
        """Everywhere, or with one service at least."""
        return self.may(permission) or any(self.may(permission, service) for service in self.grants)

    def sees(self, circle: Circle) -> bool:
        """Whether the incident or run may be shown; of a private one only to whom it lets in, and to an admin."""
        if self.everybody:
            return True
        inside = not circle.private or self.name in circle.people or self.role is AccessRole.ADMIN
        return inside and self.may(Permission.READ, circle.service)

    def _in_scope(self, permission: Permission) -> bool:
        return self.proved and (self.scopes is None or permission in self.scopes)

    def _roles(self, service: str) -> Iterable[AccessRole]:
        found = (self.role, self.grants.get(service) if service else None)
        return [role for role in found if role is not None]


EVERYBODY = Person(everybody=True)
"""Whoever asks, where nobody signs in."""

NOBODY = Person()
"""Somebody who is not signed in, where one has to be."""


def highest(roles: Iterable[AccessRole]) -> AccessRole | None:
    """The one that may do most; None of none."""
    order = list(AccessRole)
    return max(roles, key=order.index, default=None)


FREE_TRIES = 5
"""Wrong passwords in a row before an account is locked for a while."""

FIRST_LOCK, LONGEST_LOCK = timedelta(seconds=30), timedelta(hours=1)


def locked_for(failures: int) -> timedelta:
    """How long an account stays locked after so many wrong passwords in a row: 30 s, then twice as long each time, an
    hour at most. Nobody is locked out for good: else anybody could lock anybody out."""
    beyond = failures - FREE_TRIES
    if beyond < 0:
        return timedelta(0)
    return min(FIRST_LOCK * (1 << min(beyond, 16)), LONGEST_LOCK)


def over(begun: datetime, used: datetime, now: datetime, idle: timedelta, whole: timedelta) -> bool:
    """Whether a session has ended: not used for ``idle``, or begun ``whole`` ago."""
    return now - used >= idle or now - begun >= whole
