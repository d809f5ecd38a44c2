"""Accounts: made, changed, disabled. Each is told in the log before it is done, and whoever loses or gains something
has to sign in again."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

from hutch.commands.access import audit, passwords
from hutch.commands.access.digests import digest, fresh
from hutch.commands.context import CommandError, Context
from hutch.model.access import AccessRole
from hutch.model.accounts import Account

NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")
"""How somebody is called: as it stands in the log, and in ``approvals.by``."""

RESERVED = frozenset({"hutch", "system", "nobody", "everybody"})

FIRST = "first admin"
GOOD_FOR = timedelta(hours=1)
"""How long the link for the first admin may be used."""


def role_of(text: str) -> AccessRole | None:
    """The role of that name; None for ``none``. Raises :class:`CommandError`."""
    if text == "none":
        return None
    if text not in list(AccessRole):
        raise CommandError(f"{text[:40]!r} is no role; one of: {', '.join(AccessRole)}, none", 2)
    return AccessRole(text)


async def load(context: Context, name: str) -> Account:
    """The account. Raises :class:`CommandError` for an unknown one."""
    found = await audit.accounts(context).named(name)
    if found is None:
        raise CommandError(f"there is no account {name[:80]!r}; `hutch user list` shows them", 2)
    return found


async def add(
    context: Context, name: str, role: AccessRole | None, password: str, actor: str, subject: str = ""
) -> Account:
    """A new account; without a password it can only come from the OpenID provider. Raises :class:`CommandError`."""
    if not NAME.fullmatch(name) or name in RESERVED:
        raise CommandError(
            f"{name[:80]!r} cannot be a name: small letters, digits and . _ @ + -, up to 64, beginning with a letter "
            "or digit",
            2,
        )
    if await audit.accounts(context).named(name):
        raise CommandError(f"there is an account {name} already; `hutch user role` changes it", 2)
    kept = await passwords.hashed(passwords.checked(password, name)) if password else ""
    made = Account(name, role, context.clock.now(), password=kept, subject=subject)
    await audit.record(context, "account.added", actor, who=name, role=_word(role), openid=bool(subject))
    if not await audit.accounts(context).add(made):
        raise CommandError(f"there is an account {name} already: somebody was quicker", 2)
    return made


async def set_role(context: Context, name: str, role: AccessRole | None, service: str, actor: str) -> Account:
    """A role everywhere, or for one service; None takes it away. Raises :class:`CommandError`."""
    found = await load(context, name)
    if service:
        context.service(service)
        grants = {**found.grants, **({service: role} if role else {})}
        changed = replace(found, grants={k: v for k, v in grants.items() if role or k != service})
    else:
        changed = replace(found, role=role)
    await _still_an_admin(context, changed)
    what = {"who": name, "role": _word(role), "before": _word(found.grants.get(service) if service else found.role)}
    await audit.record(context, "account.changed", actor, **what, **({"service": service} if service else {}))
    await _changed(context, changed)
    return changed


async def disable(context: Context, name: str, disabled: bool, actor: str) -> Account:
    """Nobody of that name comes in any more, by session or token; or again."""
    changed = replace(await load(context, name), disabled=disabled)
    await _still_an_admin(context, changed)
    await audit.record(context, "account.disabled" if disabled else "account.enabled", actor, who=name)
    await _changed(context, changed)
    return changed


async def set_password(context: Context, name: str, password: str, actor: str) -> Account:
    """A new password; every session of theirs ends, and a lock is lifted."""
    found = await load(context, name)
    kept = await passwords.hashed(passwords.checked(password, name))
    await audit.record(context, "password.set", actor, who=name)
    changed = replace(found, password=kept)
    await _changed(context, changed)
    await audit.accounts(context).forgive(name)
    return changed


async def change_own(context: Context, name: str, old: str, new: str) -> Account:
    """Somebody changes their own password. Raises :class:`CommandError` unless they know the old one."""
    found = await load(context, name)
    if not found.password:
        raise CommandError("this account has no password here: it signs in with the OpenID provider")
    if not await passwords.right(found.password, old):
        raise CommandError("the password until now is not that one")
    return await set_password(context, name, new, name)


async def first_link(context: Context) -> str:
    """The secret of a one-time link that makes the first admin; empty where there is an account already."""
    if await audit.accounts(context).any():
        return ""
    secret = fresh()
    until = context.clock.now() + GOOD_FOR
    await audit.record(context, "ticket.made", "hutch", purpose=FIRST)
    await audit.accounts(context).keep_ticket(digest(secret), FIRST, until)
    return secret


async def first_admin(context: Context, secret: str, name: str, password: str) -> Account:
    """The first admin, by the one-time link. Raises :class:`CommandError`; then the link is still good, unless it was
    used, or an account was made meanwhile."""
    accounts, now = audit.accounts(context), context.clock.now()
    if await accounts.any() or await accounts.ticket(digest(secret), now) != FIRST:
        raise CommandError(f"this link is no longer good: {GONE}", 1)
    if not NAME.fullmatch(name) or name in RESERVED:
        raise CommandError("a name has small letters, digits and . _ @ + -, up to 64")
    passwords.checked(password, name)
    if await accounts.take_ticket(digest(secret), now) != FIRST:
        raise CommandError(f"this link is no longer good: {GONE}", 1)
    return await add(context, name, AccessRole.ADMIN, password, name)


GONE = "it was used, or an hour is over, or there is an account already; start `hutch serve` again for another"


async def _changed(context: Context, account: Account) -> None:
    """What somebody may do changed: their sessions end, and the next one has a new id."""
    await audit.accounts(context).put(account)
    await audit.accounts(context).end_sessions(account.name)


async def _still_an_admin(context: Context, changed: Account) -> None:
    """Raises :class:`CommandError` where nobody could undo it."""
    if changed.role is AccessRole.ADMIN and not changed.disabled:
        return
    every = await audit.accounts(context).every()
    was = next((a for a in every if a.name == changed.name), None)
    others = [a for a in every if a.name != changed.name and a.role is AccessRole.ADMIN and not a.disabled]
    if was and was.role is AccessRole.ADMIN and not was.disabled and not others:
        raise CommandError(f"{changed.name} is the only admin: make another one first, `hutch user role NAME admin`")


def _word(role: AccessRole | None) -> str:
    return role.value if role else "none"
