"""Restricting accounts for a while: never a protected one, and once however often asked."""

from __future__ import annotations

from dataclasses import dataclass

from hutch.model.action import Outcome, Preview, Result, Verification, Verified
from hutch.model.effect import Effect
from hutch.providers.audit.arguments import Args, choice, text, whole
from hutch.providers.audit.client import Client, Row
from hutch.providers.audit.config import Config
from hutch.providers.audit.doing import applied, previewed, verified
from hutch.providers.audit.queries import parameters, query

KINDS = ("all", "login", "export")
_UNDO = "account.unrestrict ends it at once; it ends by itself otherwise"
Asked = dict[str, object]


@dataclass(frozen=True, slots=True)
class Restrict:
    """``args``: ``account`` (user id), ``kind`` (all, login or export), ``hours``, ``reason``."""

    client: Client
    config: Config
    effect: Effect = Effect.CHANGE

    @previewed("can't tell what would be restricted", _UNDO)
    async def preview(self, args: Args) -> Preview:
        """Whose account, how much, for how long."""
        asked = self._asked(args)
        state = await self._state(asked)
        refused = self.client.refusal or _refusal(asked, state)
        said = f"restrict {asked['kind']} of account {asked['account']} for {asked['hours']} h"
        if state is None:
            return Preview(said, 0, undo=_UNDO, refused=refused)
        if state["restricted_until"]:
            until = f"{state['restricted_until']:%Y-%m-%d %H:%M} UTC"
            return Preview(f"{said}: it is restricted until {until} already", 0, refused=refused)
        items = (f"account {masked(state['email'])}, {state['acts']} noted actions in the last hour",)
        return Preview(said, 1, items, _UNDO, refused)

    @applied
    async def apply(self, args: Args) -> Outcome:
        """Restrict it in one statement that judges once more. ``hits`` is 0 where it was restricted already."""
        asked = self._asked(args)
        async with self.client.changing() as change:
            await change.alone("restrictions")
            added = await change.rows(query("restriction_add", self.config), asked)
        state = None if added else await self._state(asked)
        who = f"account {asked['account']}"
        if added:
            until = f"{added[0]['restricted_until']:%Y-%m-%d %H:%M} UTC"
            undo = {
                "action": "account.unrestrict",
                "args": {"account": asked["account"], "kind": asked["kind"]},
            }
            said = f"{who} is restricted ({asked['kind']}) until {until}"
            return Outcome(Result.DONE, said, hits=1, undo=undo)
        if refused := _refusal(asked, state):
            return Outcome(Result.FAILED, f"refused: {refused}")
        return Outcome(Result.DONE, f"{who} is restricted already: nothing was done")

    @verified("can't tell whether it is restricted")
    async def verify(self, args: Args) -> Verification:
        """Passed while a restriction of that kind, or of everything, stands."""
        asked = self._asked(args)
        state = await self._state(asked)
        if state is None or not state["restricted_until"]:
            return Verification(Verified.FAILED, f"account {asked['account']} is not restricted ({asked['kind']})")
        until = f"{state['restricted_until']:%Y-%m-%d %H:%M} UTC"
        return Verification(Verified.PASSED, f"account {asked['account']} is restricted until {until}")

    def _asked(self, args: Args) -> Asked:
        default, most = self.config.whole("restrict_hours"), self.config.whole("max_restrict_hours")
        return {
            "account": text(args, "account"),
            "kind": choice(args, "kind", KINDS, "all"),
            "hours": whole(args, "hours", default, most),
            "reason": text(args, "reason", "restricted by on-call"),
            "protected": list(self.config.protected_accounts),
        }

    async def _state(self, asked: Asked) -> Row | None:
        rows = await self.client.rows(query("restriction_state", self.config), asked)
        return rows[0] if rows else None


def _refusal(asked: Asked, state: Row | None) -> str:
    if state is None:
        return f"there is no account {asked['account']}: give its user id"
    if state["protected"]:
        return f"account {asked['account']} is listed under services.*.audit.protected_accounts"
    return ""


def masked(email: object) -> str:
    """A mail address that its owner's colleagues may recognise, and nobody else.

    >>> masked("anna@example.com"), masked(None)
    ('a•••@example.com', '(no mail address)')
    """
    name, at, host = str(email or "").partition("@")
    return f"{name[:1]}•••@{host}" if at else "(no mail address)"


@dataclass(frozen=True, slots=True)
class Unrestrict:
    """``args``: ``account`` (user id), and ``kind`` to end only that kind. The rows stay as a record and end now."""

    client: Client
    config: Config
    effect: Effect = Effect.CHANGE

    @previewed("can't tell which restrictions would end")
    async def preview(self, args: Args) -> Preview:
        """Which active restrictions would end."""
        asked = self._asked(args)
        standing = await self._standing(asked)
        items = tuple(f"{row['kind']} until {row['restricted_until']:%Y-%m-%d %H:%M} UTC" for row in standing)
        said = f"end {len(standing)} restrictions of account {asked['account']}"
        return Preview(said, len(standing), items, "account.restrict restricts it again", self.client.refusal)

    @applied
    async def apply(self, args: Args) -> Outcome:
        """End them. ``undo`` restricts for the hours that were left."""
        asked = self._asked(args)
        standing = await self._standing(asked)
        async with self.client.changing() as change:
            await change.alone("restrictions")
            ended = await change.rows(query("restriction_remove", self.config), asked)
        if not ended:
            return Outcome(Result.DONE, f"account {asked['account']} is not restricted: nothing was done")
        kind = "all" if any(row["kind"] == "all" for row in ended) else ended[0]["kind"]
        left = max((row["hours"] for row in standing), default=1.0)
        again = {"account": asked["account"], "kind": kind, "hours": max(1, round(left)), "reason": "restricted again"}
        undo = {"action": "account.restrict", "args": again}
        said = f"account {asked['account']} is no longer restricted"
        return Outcome(Result.DONE, said, hits=len(ended), undo=undo)

    @verified("can't tell whether it is restricted")
    async def verify(self, args: Args) -> Verification:
        """Passed when no restriction of that kind stands."""
        asked = self._asked(args)
        standing = await self._standing(asked)
        if standing:
            return Verification(Verified.FAILED, f"account {asked['account']} is restricted ({standing[0]['kind']})")
        return Verification(Verified.PASSED, f"account {asked['account']} is not restricted")

    def _asked(self, args: Args) -> Asked:
        return {"account": text(args, "account"), "kind": choice(args, "kind", KINDS, "")}

    async def _standing(self, asked: Asked) -> list[Row]:
        return await self.client.rows(query("restriction_standing", self.config), parameters(self.config) | asked)
