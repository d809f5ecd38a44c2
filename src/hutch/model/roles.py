"""Who does what in an incident: one commander, one scribe, one communications lead, any number of responders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hutch.model.event import Draft, Event


class Role(StrEnum):
    """What somebody has taken on. Of the first three there is one holder at a time."""

    COMMANDER = "commander"
    SCRIBE = "scribe"
    COMMUNICATIONS = "communications"
    RESPONDER = "responder"

    @property
    def called(self) -> str:
        """What people call it."""
        return _TITLES[self]


_TITLES = {
    Role.COMMANDER: "the incident commander",
    Role.SCRIBE: "the scribe",
    Role.COMMUNICATIONS: "the communications lead",
    Role.RESPONDER: "a responder",
}

ASSIGNED, RELEASED, COMMANDER = "role.assigned", "role.released", "commander.assigned"


@dataclass(frozen=True, slots=True)
class Held:
    """Somebody holds a role since ``at``, given by ``by``; ``seq`` is the event that says so."""

    who: str
    at: datetime
    by: str
    seq: int


Roles = Mapping[Role, tuple[Held, ...]]


def assigned(roles: Roles, event: Event) -> Roles:
    """The roles after an assignment or a hand-over."""
    role = _role(event)
    if role is None:
        return roles
    held = Held(str(event.data["who"]), event.at, event.actor, event.seq)
    others = roles.get(role, ()) if role is Role.RESPONDER else ()
    return {**roles, role: (*(h for h in others if h.who != held.who), held)}


def released(roles: Roles, event: Event) -> Roles:
    """The roles after somebody laid one down."""
    role = _role(event)
    if role is None:
        return roles
    return {**roles, role: tuple(h for h in roles.get(role, ()) if h.who != event.data.get("who"))}


def _role(event: Event) -> Role | None:
    if event.kind == COMMANDER:
        return Role.COMMANDER
    name = str(event.data.get("role", ""))
    return Role(name) if name in list(Role) else None


class Taken(Exception):
    """Somebody else holds the role; the text says who, since when, by whom, and what to do."""


def assign(roles: Roles, role: Role, who: str, reason: str, actor: str) -> list[Draft]:
    """The event of an assignment; none where ``who`` holds it. Taking it from somebody needs a reason.

    Raises :class:`Taken`.
    """
    held = roles.get(role, ())
    if any(h.who == who for h in held):
        return []
    holder = held[0] if held and role is not Role.RESPONDER else None
    if holder and not reason.strip():
        said = f"{holder.who} is {role.called} since {holder.at:%H:%M:%S} UTC, assigned by {holder.by}"
        raise Taken(f"{said}; hand it over with --reason")
    data = {"who": who, **({"from": holder.who} if holder else {}), **({"reason": reason} if reason else {})}
    if role is Role.COMMANDER:
        return [Draft(COMMANDER, data, actor)]
    return [Draft(ASSIGNED, {"role": role.value, **data}, actor)]


def release(roles: Roles, role: Role, who: str, reason: str, actor: str) -> list[Draft]:
    """The event that somebody lays a role down; none where nobody of that name holds it."""
    held = [h for h in roles.get(role, ()) if not who or h.who == who]
    return [Draft(RELEASED, {"role": role.value, "who": h.who, "reason": reason}, actor) for h in held]
