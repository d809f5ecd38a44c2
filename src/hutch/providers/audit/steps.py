"""Stepping rate limits up for a while: against an attack whose addresses each try too little to be blocked."""

from __future__ import annotations

from dataclasses import dataclass

from hutch.model.action import Outcome, Preview, Result, Verification, Verified
from hutch.model.effect import Effect
from hutch.providers.audit.arguments import Args, BadArguments, choice, text, whole
from hutch.providers.audit.client import Client, Row
from hutch.providers.audit.config import Config
from hutch.providers.audit.doing import applied, previewed, verified
from hutch.providers.audit.queries import query

KINDS = ("login", "signup", "reset", "export", "report")
MOST = 20
"""Times fewer at most: more would be a lock-out of everybody."""
_UNDO = "limits.step_down ends it at once; it ends by itself otherwise"
Asked = dict[str, object]


@dataclass(frozen=True, slots=True)
class StepUp:
    """``args``: ``kind`` (login, signup, reset, export, report), ``divisor``, ``minutes``, ``reason``."""

    client: Client
    config: Config
    effect: Effect = Effect.CHANGE

    @previewed("can't tell which limit would be stepped up", _UNDO)
    async def preview(self, args: Args) -> Preview:
        """Which limit, how far, for how long."""
        asked = self._asked(args)
        state = await standing(self.client, self.config, asked)
        said = f"allow {asked['divisor']} times fewer of {asked['kind']} for {asked['minutes']} min"
        if (state["divisor"] or 0) >= int(str(asked["divisor"])):
            until = f"{state['stepped_until']:%Y-%m-%d %H:%M} UTC"
            return Preview(f"{said}: they are stepped up until {until} already", 0, refused=self.client.refusal)
        return Preview(said, 1, ("for every address and every account alike",), _UNDO, self.client.refusal)

    @applied
    async def apply(self, args: Args) -> Outcome:
        """Step it up. ``hits`` is 0 where it was already."""
        asked = self._asked(args)
        async with self.client.changing() as change:
            await change.alone("limits")
            added = await change.rows(query("step_add", self.config), asked)
        if not added:
            return Outcome(Result.DONE, f"{asked['kind']} is stepped up already: nothing was done")
        until = f"{added[0]['stepped_until']:%Y-%m-%d %H:%M} UTC"
        undo = {"action": "limits.step_down", "args": {"kind": asked["kind"]}}
        said = f"{asked['divisor']} times fewer of {asked['kind']} are allowed until {until}"
        return Outcome(Result.DONE, said, hits=1, undo=undo)

    @verified("can't tell whether it is stepped up")
    async def verify(self, args: Args) -> Verification:
        """Passed while a step as strict stands."""
        asked = self._asked(args)
        state = await standing(self.client, self.config, asked)
        stands = (state["divisor"] or 0) >= int(str(asked["divisor"]))
        said = f"{asked['kind']} is {'' if stands else 'not '}stepped up {asked['divisor']} times"
        return Verification(Verified.PASSED if stands else Verified.FAILED, said)

    def _asked(self, args: Args) -> Asked:
        return {
            "kind": choice(args, "kind", KINDS, "login"),
            "divisor": _divisor(args, self.config),
            "minutes": whole(args, "minutes", self.config.whole("step_minutes"), self.config.whole("max_step_minutes")),
            "reason": text(args, "reason", "stepped up by on-call"),
        }


@dataclass(frozen=True, slots=True)
class StepDown:
    """``args``: ``kind``. The rows stay as a record and end now."""

    client: Client
    config: Config
    effect: Effect = Effect.CHANGE

    @previewed("can't tell which step would end")
    async def preview(self, args: Args) -> Preview:
        """Whether a step would end."""
        kind = choice(args, "kind", KINDS, "login")
        state = await standing(self.client, self.config, {"kind": kind})
        hits = 1 if state["divisor"] else 0
        again = "limits.step_up steps it up again"
        return Preview(f"allow as many of {kind} as ever", hits, (), again, self.client.refusal)

    @applied
    async def apply(self, args: Args) -> Outcome:
        """End it."""
        kind = choice(args, "kind", KINDS, "login")
        async with self.client.changing() as change:
            await change.alone("limits")
            ended = await change.rows(query("step_remove", self.config), {"kind": kind})
        if not ended:
            return Outcome(Result.DONE, f"{kind} is not stepped up: nothing was done")
        undo = {"action": "limits.step_up", "args": {"kind": kind, "divisor": max(row["divisor"] for row in ended)}}
        said = f"as many of {kind} are allowed as ever"
        return Outcome(Result.DONE, said, hits=len(ended), undo=undo)

    @verified("can't tell whether it is stepped up")
    async def verify(self, args: Args) -> Verification:
        """Passed when no step of that kind stands."""
        kind = choice(args, "kind", KINDS, "login")
        state = await standing(self.client, self.config, {"kind": kind})
        said = f"{kind} is {'' if state['divisor'] else 'not '}stepped up"
        return Verification(Verified.FAILED if state["divisor"] else Verified.PASSED, said)


async def standing(client: Client, config: Config, asked: Asked) -> Row:
    """The step that stands; ``divisor`` is None where there is none."""
    [row] = await client.rows(query("step_standing", config), asked)
    return row


def _divisor(args: Args, config: Config) -> int:
    divisor = whole(args, "divisor", config.whole("step_divisor"), MOST)
    if divisor < 2:
        raise BadArguments(f"divisor must be a whole number from 2 to {MOST}, not {divisor}")
    return divisor
