"""Tokens for the API: shown once, kept as a digest, limited to scopes, and with an end."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from datetime import timedelta

from hutch.commands.access import audit, people
from hutch.commands.access.digests import digest, fresh
from hutch.commands.access.signin import TOUCH
from hutch.commands.context import CommandError, Context
from hutch.model.access import SCOPES, Permission
from hutch.model.accounts import Account, Token
from hutch.review.wording import one_line

PREFIX = "hutch_"
"""How every token begins, so that scanners for leaked secrets can know one."""

LONGEST = timedelta(days=366)
MOST = 50
"""Tokens of one person."""


def scopes_of(words: Sequence[str]) -> frozenset[Permission]:
    """The scopes of those names. Raises :class:`CommandError`."""
    unknown = [w for w in words if w not in SCOPES]
    if unknown or not words:
        what = f"{unknown[0][:40]!r} is no scope" if unknown else "a token needs a scope"
        raise CommandError(f"{what}; any of: {', '.join(SCOPES)}", 2)
    return frozenset(Permission(w) for w in words)


async def make(
    context: Context, name: str, label: str, scopes: frozenset[Permission], good_for: timedelta, actor: str
) -> tuple[Token, str]:
    """A token of somebody's, and its secret, which is shown once. Raises :class:`CommandError`."""
    account, now = await people.load(context, name), context.clock.now()
    if account.disabled:
        raise CommandError(f"the account {name} is disabled")
    if not timedelta(minutes=1) <= good_for <= LONGEST:
        raise CommandError(f"a token is good for at least a minute and at most {LONGEST.days} days", 2)
    beyond = [s for s in sorted(scopes) if not account.person().may_somewhere(s)]
    if beyond:
        raise CommandError(f"{name} may not {beyond[0]} themselves, so no token of theirs may", 2)
    if len(await audit.accounts(context).tokens(name)) >= MOST:
        raise CommandError(f"{name} has {MOST} tokens: revoke one first")
    token_id = secrets.token_hex(4)
    secret = f"{PREFIX}{token_id}_{fresh()}"
    made = Token(token_id, digest(secret), name, one_line(label, 80) or "token", scopes, now, now + good_for)
    told = {"who": name, "token": token_id, "label": made.label, "scopes": sorted(scopes)}
    await audit.record(context, "token.made", actor, **told, until=f"{made.expires_at:%Y-%m-%d %H:%M} UTC")
    await audit.accounts(context).keep_token(made)
    return made, secret


async def revoke(context: Context, token_id: str, actor: str, name: str = "") -> None:
    """It is good no more; ``name``: only if it is theirs. Raises :class:`CommandError` where there is none."""
    known = [t for t in await audit.accounts(context).tokens(name) if t.id == token_id]
    if not known:
        raise CommandError(f"there is no token {token_id[:20]!r}; `hutch token list` shows them", 2)
    await audit.record(context, "token.revoked", actor, who=known[0].name, token=token_id)
    await audit.accounts(context).end_token(token_id, name)


def id_of(secret: str) -> str:
    """The id that a token names, which is no secret; empty where it names none."""
    found = re.match(rf"{PREFIX}([0-9a-f]{{8}})_", secret.strip())
    return found[1] if found else ""


async def whose(context: Context, secret: str) -> tuple[Account, Token] | None:
    """Whose token that is, while it is good and its account may come in."""
    if not secret.startswith(PREFIX) or len(secret) > 200:
        return None
    accounts, now = audit.accounts(context), context.clock.now()
    token = await accounts.token(digest(secret))
    account = await accounts.named(token.name) if token else None
    if token is None or account is None or account.disabled or token.expires_at <= now:
        return None
    if token.used_at is None or now - token.used_at > TOUCH:
        await accounts.use_token(token.digest, now)
    return account, token
