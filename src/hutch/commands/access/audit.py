"""What is told of access in the log: the stream ``access``, hash-chained as every other."""

from __future__ import annotations

from datetime import datetime

from hutch.commands.context import Context
from hutch.model.accounts import Accounts
from hutch.model.event import Draft
from hutch.ports import Append

STREAM = "access"

KINDS: dict[str, str] = {
    "account.added": "made an account",
    "account.changed": "changed an account",
    "account.disabled": "disabled an account",
    "account.enabled": "enabled an account",
    "account.linked": "linked an account to the OpenID provider",
    "password.set": "set a password",
    "session.begun": "signed in",
    "session.ended": "signed out",
    "session.refused": "was refused at sign-in",
    "sessions.ended": "ended sessions",
    "token.made": "made a token",
    "token.revoked": "revoked a token",
    "token.refused": "came with a token that is not good",
    "ticket.made": "made the one-time link for a first admin",
    "access.refused": "was refused",
    "assistant.looked": "looked, as an assistant",
}
"""Every kind of event in the stream, in words."""

ELSEWHERE = ("approval.granted", "approval.denied", "decision.made", "role.assigned", "commander.assigned",
             "person.admitted", "incident.closed_off")  # fmt: skip
"""Kinds in other streams that an audit asks for too."""


def accounts(context: Context) -> Accounts:
    """Where accounts are kept; a context without is none that anybody could sign in to."""
    assert context.accounts is not None
    return context.accounts


async def record(context: Context, kind: str, actor: str, **data: object) -> None:
    """Tell it. It is told before it is done: what cannot be told is not done."""
    assert kind in KINDS, kind
    told = {name: context.secrets.mask(v) if isinstance(v, str) else v for name, v in data.items()}
    await context.store.commit([Append(STREAM, (Draft(kind, told, actor),))])


async def since(context: Context, at: datetime) -> list[tuple[datetime, str, str, str, dict[str, object]]]:
    """Time, who, kind, stream and data of all that an audit asks for, the newest first."""
    own = [e for e in await context.store.read(STREAM) if e.at >= at]
    others = [e for kind in ELSEWHERE for e in await context.store.since(kind, at)]
    found = sorted([*own, *others], key=lambda e: (e.at, e.stream, e.seq), reverse=True)
    return [(e.at, e.actor, e.kind, e.stream, dict(e.data)) for e in found]
