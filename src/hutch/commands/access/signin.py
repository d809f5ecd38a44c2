"""Signing in and out, and whose a session is."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from hutch.commands.access import audit, passwords
from hutch.commands.access.digests import digest, fresh
from hutch.commands.context import CommandError, Context
from hutch.model.access import locked_for, over
from hutch.model.accounts import Account, Session
from hutch.review.wording import one_line

WRONG = "That name and password do not belong together."
"""Of an unknown name, a wrong password, a disabled account and one without a password: nobody learns which."""

TOUCH = timedelta(seconds=60)
"""How exactly it is kept when a session was used last."""


class NotIn(CommandError):
    """Nobody was signed in; the text says no more than whoever asks may know."""


async def sign_in(context: Context, name: str, password: str, *, address: str, label: str = "") -> tuple[Account, str]:
    """The account and the id of a new session. Raises :class:`NotIn`."""
    accounts, now = audit.accounts(context), context.clock.now()
    name = one_line(name.strip().lower(), 64)
    locked = await accounts.strike(name, now, locked_for)
    if locked:
        await refused(context, name, "locked", address)
        raise NotIn(f"Too many wrong passwords: try again in {_minutes(locked - now)}.")
    account = await accounts.named(name)
    fits = await passwords.right(account.password if account else "", password)
    if not account or not fits or account.disabled:
        await refused(context, name, "disabled" if account and fits else "wrong password or name", address)
        raise NotIn(WRONG)
    await accounts.forgive(name)
    if passwords.stale(account.password):
        await accounts.put(replace(account, password=await passwords.hashed(password)))
    return account, await begin(context, account, "password", address=address, label=label)


async def begin(context: Context, account: Account, how: str, *, address: str, label: str = "") -> str:
    """A new session, always with an id of its own; the id, which is kept nowhere."""
    secret, now, keep = fresh(), context.clock.now(), context.config.access
    await audit.record(context, "session.begun", account.name, how=how, address=address)
    await audit.accounts(context).forget_sessions(now - keep.whole, now - keep.idle)
    session = Session(digest(secret), account.name, now, now, one_line(label, 120))
    await audit.accounts(context).keep_session(session)
    return secret


async def refused(context: Context, name: str, why: str, address: str) -> None:
    """Tell of a try that failed, never with what was given as password."""
    await audit.record(context, "session.refused", name or "nobody", why=why, address=address)


async def whose(context: Context, secret: str) -> tuple[Account, Session] | None:
    """Whose session that is, if it has not ended and its account may come in."""
    accounts, now, keep = audit.accounts(context), context.clock.now(), context.config.access
    session = await accounts.session(digest(secret))
    if session is None or over(session.begun_at, session.used_at, now, keep.idle, keep.whole):
        return None
    account = await accounts.named(session.name)
    if account is None or account.disabled:
        return None
    if now - session.used_at > TOUCH:
        await accounts.use_session(session.digest, now)
    return account, session


async def sign_out(context: Context, secret: str, name: str) -> None:
    """This session ends."""
    await audit.record(context, "session.ended", name)
    await audit.accounts(context).end_sessions(name, [digest(secret)])


async def end(context: Context, name: str, digests: list[str], actor: str) -> int:
    """Some of somebody's sessions end, or all of them; how many."""
    await audit.record(context, "sessions.ended", actor, who=name, all=not digests)
    return await audit.accounts(context).end_sessions(name, digests)


def _minutes(length: timedelta) -> str:
    seconds = max(int(length.total_seconds()), 1)
    return f"{seconds} s" if seconds < 120 else f"{-(-seconds // 60)} min"


def until(session: Session, context: Context) -> datetime:
    """When it ends if it is not used any more."""
    keep = context.config.access
    return min(session.begun_at + keep.whole, session.used_at + keep.idle)
