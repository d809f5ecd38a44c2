"""Ending sessions and API tokens: marked in the service's own table, never deleted, so that the trace stays."""

from __future__ import annotations

from dataclasses import dataclass

from hutch.model.action import Outcome, Preview, Result, Verification, Verified
from hutch.model.effect import Effect
from hutch.model.event import parse_instant
from hutch.providers.audit.arguments import Args, BadArguments, text
from hutch.providers.audit.client import Client, Row
from hutch.providers.audit.config import Config
from hutch.providers.audit.doing import applied, previewed, verified
from hutch.providers.audit.queries import query

UNDO = "none: those who are meant log in again"
Asked = dict[str, object]


@dataclass(frozen=True, slots=True)
class Revoke:
    """``args``: ``scope`` (all, or a user id), ``before`` (only sessions that began by then), ``reason``."""

    client: Client
    config: Config
    effect: Effect = Effect.CHANGE

    @previewed("can't tell which sessions would end", UNDO)
    async def preview(self, args: Args) -> Preview:
        """How many sessions of how many accounts would end. Of the scope ``all`` the table counts as one
        hit: whoever says all means them however many they are, and ``guards.max_hits`` is not about them."""
        asked = _asked(args)
        state = await self._state(asked)
        said = f"end {state['standing']} sessions of {state['accounts']} accounts{_until(asked)}; their rows stay"
        hits = state["standing"] if asked["account"] else min(state["standing"], 1)
        return Preview(said, hits, undo=UNDO, refused=self.client.refusal)

    @applied
    async def apply(self, args: Args) -> Outcome:
        """Mark them in one statement, with a line in the audit table for each account."""
        asked = _asked(args)
        async with self.client.changing() as change:
            await change.alone("sessions")
            [ended] = await change.rows(query("session_revoke", self.config), asked)
        said = f"{ended['sessions']} sessions of {ended['accounts']} accounts ended"
        return Outcome(Result.DONE, said, hits=ended["sessions"])

    @verified("can't tell whether sessions ended")
    async def verify(self, args: Args) -> Verification:
        """Passed when none of them stands; without ``before``, none that is older than the last such revocation for
        the same reason."""
        asked = _asked(args)
        state = await self._state(asked)
        if state["older"]:
            return Verification(Verified.FAILED, f"{state['older']} sessions still stand{_until(asked)}")
        said = f"no session stands{_until(asked) or ' that is older than the revocation'}"
        return Verification(Verified.PASSED, f"{said}; {state['marked']} rows are marked as ended")

    async def _state(self, asked: Asked) -> Row:
        [row] = await self.client.rows(query("session_state", self.config), asked)
        return row


def _until(asked: Asked) -> str:
    return f" that began by {asked['before']}" if asked["before"] else ""


def _asked(args: Args) -> Asked:
    scope, before = text(args, "scope", "all"), args.get("before") or None
    try:
        moment = parse_instant(str(before)).isoformat() if before else None
    except ValueError:
        raise BadArguments(f"before must be a time such as 2026-01-31T10:00:00Z, not {before!r}") from None
    account = "" if scope == "all" else scope
    return {"scope": scope, "account": account, "before": moment, "reason": text(args, "reason", "ended by on-call")}
