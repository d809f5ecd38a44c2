"""New passwords for everybody: accounts are marked so that nobody logs in with the old one, and their owners told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from hutch.model.action import Outcome, Preview, Result, Verification, Verified
from hutch.model.effect import Effect
from hutch.model.event import parse_instant
from hutch.ports import said
from hutch.providers.audit.arguments import Args, BadArguments, text
from hutch.providers.audit.client import Client, Row
from hutch.providers.audit.config import Config
from hutch.providers.audit.doing import applied, previewed, verified
from hutch.providers.audit.letters import in_languages, languages, versions
from hutch.providers.audit.queries import query

BATCH: Final = 5000
MOST_BATCHES: Final = 10_000
LETTER: Final = {
    "subject": "Choose a new password",
    "body": "For the safety of your account you have been logged out, and have to choose a new password.\n\n"
    "Ask for one where you usually log in, and follow the mail that you get then.\n",
}
"""For whoever gives no letter."""
UNDO = "none: whoever is meant chooses a new password"
Asked = dict[str, object]


@dataclass(frozen=True, slots=True)
class ForceReset:
    """``args``: ``scope`` (all, or a user id), ``since`` (accounts from before it; who was told to since then is not
    asked again), ``reason``; ``subject``, ``body``, ``language`` and ``translations`` as those of ``letters.queue``."""

    client: Client
    config: Config
    now: Callable[[], datetime]
    effect: Effect = Effect.CHANGE

    @previewed("can't tell who would have to choose a new password", UNDO)
    async def preview(self, args: Args) -> Preview:
        """How many accounts, how many sessions end with it. Of the scope ``all`` the table counts as one hit: whoever
        says all means them however many they are, and ``guards.max_hits`` is not about them."""
        asked = self._asked(args)
        state = await self._state(asked)
        words = (
            f"{state['left']} of {state['accounts']} accounts have to choose a new password before they log in again"
        )
        items = (
            f"{state['sessions']} sessions and API tokens of theirs end; the rows stay",
            f"a letter to each, {in_languages(state, asked)}",
            *versions(asked),
        )
        hits = state["left"] if asked["account"] else min(state["left"], 1)
        return Preview(words, hits, items, UNDO, self.client.refusal)

    @applied
    async def apply(self, args: Args) -> Outcome:
        """Batch by batch, each in one transaction: what broke off is gone on with, and nobody is asked twice."""
        asked, done, sessions = self._asked(args), 0, 0
        whole = (await self._state(asked))["left"]
        for _ in range(MOST_BATCHES):
            async with self.client.changing() as change:
                await change.alone("resets")
                [row] = await change.rows(query("reset_force", self.config), asked)
            if not row["accounts"]:
                break
            done, sessions = done + row["accounts"], sessions + row["sessions"]
            said(f"{done} of {whole} accounts\n")
        told = f"{done} accounts have to choose a new password, {sessions} sessions ended"
        return Outcome(Result.DONE, told, hits=done)

    @verified("can't tell who has to choose a new password")
    async def verify(self, args: Args) -> Verification:
        """Passed when every account from before it was told to, whether or not a new password was chosen since."""
        state = await self._state(self._asked(args))
        if state["left"]:
            return Verification(
                Verified.FAILED, f"{state['left']} of {state['accounts']} accounts were not reached yet"
            )
        chosen = f"{state['waiting']} have yet to choose theirs"
        return Verification(Verified.PASSED, f"all {state['accounts']} accounts had to choose a new password; {chosen}")

    async def _state(self, asked: Asked) -> Row:
        [row] = await self.client.rows(query("reset_state", self.config), asked)
        return row

    def _asked(self, args: Args) -> Asked:
        asked = _asked(args, self.now())
        outbox = {"campaign": f"reset {asked['since']}", "batch": BATCH}
        return {**asked, **outbox, **languages({**LETTER, **args}), "language_column": self.config.columns["language"]}


def _asked(args: Args, now: datetime) -> Asked:
    scope, since = text(args, "scope", "all"), args.get("since")
    try:
        moment = parse_instant(str(since))
    except ValueError:
        raise BadArguments(f"since must be a time such as 2026-01-31T10:00:00Z, not {since!r}") from None
    if moment > now:
        raise BadArguments(f"since must not lie in the future, {since} does: nobody was told to since then, ever")
    account = "" if scope == "all" else scope
    return {"account": account, "since": moment.isoformat(), "reason": text(args, "reason", "asked by on-call")}
