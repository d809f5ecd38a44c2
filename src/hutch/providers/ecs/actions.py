"""Another release of an ECS service, or new tasks; and what all its changes share: each is watched until it is out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from hutch.model.action import Outcome, Preview, Result, Verification, Verified
from hutch.model.effect import Effect
from hutch.ports import said
from hutch.providers.ecs.client import Client, State, last
from hutch.remote import Args, Refused, Silent, applied, begun_after, previewed, verified

AT_ONCE = timedelta(seconds=1)
"""How far the times may be apart that ECS gives one deployment, as the primary and among those that were."""

GIVE_UP = 5
"""Looks in a row without an answer that end the wait for a rollout."""


@dataclass(frozen=True, slots=True)
class Rollback:
    """``deploy.rollback``: run release ``to`` (``web:41``, or ``41``) instead of the current one.

    With ``from`` it applies only while that release is where the service goes.
    """

    client: Client
    effect: Effect = Effect.CHANGE

    @previewed
    async def preview(self, args: Args) -> Preview:
        """From which release to which, and how many tasks are replaced."""
        state = await self.client.state()
        to = _release(args, "to", state)
        if state.primary.release == to and not state.busy:
            return Preview(f"release {to} runs already: nothing to do", 0)
        refused = _left(args, state, to) or await self._unusable(to)
        if refused:
            return Preview(f"roll back to {to or 'a release'}", 0, refused=refused)
        words = f"roll back from release {state.primary.release} to {to}: ECS replaces {state.wanted} tasks"
        return Preview(words, max(state.wanted, 1), (str(state),), f"deploy release {state.primary.release} again")

    @applied
    async def apply(self, args: Args) -> Outcome:
        """Ask for it, once, and answer when ECS has rolled it out or given it up, or after ``rollout`` seconds."""
        state = await self.client.state()
        to = _release(args, "to", state)
        if state.primary.release == to:
            return Outcome(Result.DONE, f"release {to} is what the service goes to already: nothing was done")
        refused = _left(args, state, to) or await self._unusable(to)
        if refused:
            return Outcome(Result.FAILED, refused)
        await self.client.update(taskDefinition=to)
        undo: dict[str, object] = {"action": "deploy.rollback", "args": {"to": state.primary.release, "from": to}}
        words = f"ECS was asked to go from release {state.primary.release} to {to}"
        return Outcome(Result.DONE, await self._waited(words, args), hits=state.wanted, undo=undo)

    @verified
    async def verify(self, args: Args) -> Verification:
        """Passed when ``to`` is rolled out and no other release runs."""
        return self._judge(args, await self.client.state())

    async def _unusable(self, to: str) -> str:
        if not to:
            return "say which release to run: to, as `hutch deploy list` names it"
        status = str((await self.client.definition(to)).get("status", ""))
        return "" if status == "ACTIVE" else f"release {to} is {status.lower() or 'unknown'}: ECS starts no task of it"

    async def _waited(self, asked: str, args: Args) -> str:
        return await waited(self.client, asked, lambda state: self._judge(args, state))

    def _judge(self, args: Args, state: State) -> Verification:
        to = _release(args, "to", state)
        if state.primary.release != to:
            return judged(Verified.FAILED, f"the service goes to release {state.primary.release}, not to {to}", state)
        return rolled_out(state, f"release {to}")


@dataclass(frozen=True, slots=True)
class Restart:
    """``service.restart``: every task is replaced by a new one of the same release."""

    client: Client
    effect: Effect = Effect.CHANGE
    replaced: dict[str, str] = field(default_factory=dict)
    """The deployment that ran when we asked for a new one."""

    @previewed
    async def preview(self, args: Args) -> Preview:
        """What is replaced."""
        state = await self.client.state()
        if args.get("component") not in (None, "", "service"):
            return Preview("restart", 0, refused=f"there is no component {args['component']} on ECS")
        words = f"restart release {state.primary.release}: ECS replaces {state.wanted} tasks"
        return Preview(words, state.wanted, (str(state),), "none is needed: the same release runs")

    @applied
    async def apply(self, args: Args) -> Outcome:
        """Ask for it, once, and answer when ECS has rolled it out or given it up, or after ``rollout`` seconds."""
        if args.get("component") not in (None, "", "service"):
            return Outcome(Result.FAILED, f"there is no component {args['component']} on ECS")
        state = await self.client.state()
        self.replaced["primary"] = state.primary.id
        await self.client.update(forceNewDeployment=True)
        words = f"ECS was asked to replace {state.wanted} tasks"
        told = await waited(self.client, words, lambda later: self._judge({}, later))
        return Outcome(Result.DONE, told, hits=state.wanted)

    @verified
    async def verify(self, args: Args) -> Verification:
        """Passed when a deployment that began since then is rolled out."""
        return self._judge(args, await self.client.state())

    def _judge(self, args: Args, state: State) -> Verification:
        since = begun_after(args, AT_ONCE)
        same = state.primary.id == self.replaced.get("primary")
        if same or (since and state.primary.created_at <= since):
            return judged(Verified.FAILED, "no new deployment has begun since then", state)
        if not since and not self.replaced:
            return judged(Verified.UNKNOWN, "it can't be told whether this deployment was asked for by us", state)
        return rolled_out(state, f"release {state.primary.release}, begun anew,")


# ------------------------------------------------------------------ what they share


def rolled_out(state: State, what: str) -> Verification:
    """Passed once the primary deployment is complete and stands alone; failed where ECS gave it up."""
    primary = state.primary
    if primary.state == "FAILED":
        return judged(Verified.FAILED, f"{what} did not get stable: {primary.reason or 'ECS gave it up'}", state)
    if not state.wanted:
        return judged(Verified.FAILED, f"{what} has no task: the service is scaled to none", state)
    if state.busy or state.running < state.wanted or primary.running < primary.wanted:
        return judged(Verified.PENDING, f"{what} is being rolled out: {primary.running} of {state.wanted} run", state)
    return judged(Verified.PASSED, f"{what} is rolled out, {state.running} tasks run", state)


async def waited(client: Client, asked: str, judge: Callable[[State], Verification]) -> str:
    """What became of a change that was asked for, said as it goes on. One look without an answer is no end."""
    until, word, heard, unanswered = time.monotonic() + client.config.rollout, "", "", 0
    while time.monotonic() < until and unanswered < GIVE_UP:
        try:
            found, unanswered = judge(await client.state()), 0
        except (Refused, Silent) as error:
            found, unanswered = Verification(Verified.PENDING, str(error)), unanswered + 1
        word = found.summary
        if word != heard:
            said(f"{word}\n")
            heard = word
        if found.verdict is not Verified.PENDING:
            return f"{asked}; {word}"
        await asyncio.sleep(client.config.look_every)
    return f"{asked}, and is not there yet: {word or 'nothing is known'}"


def judged(verdict: Verified, summary: str, state: State) -> Verification:
    """A verdict, with how the service stands as evidence."""
    return Verification(verdict, summary, (str(state),))


def _left(args: Args, state: State, to: str) -> str:
    """Why what was approved no longer holds, or nothing."""
    left, now = _release(args, "from", state), state.primary.release
    if to and to.rpartition(":")[0] != now.rpartition(":")[0]:
        return f"{to} is no release of this service: its releases are those of {now.rpartition(':')[0]}"
    return f"the service goes to release {now} now, not {left}: look again" if left and now not in {left, to} else ""


def _release(args: Args, key: str, state: State) -> str:
    """A release by its whole name; a bare number is one of the family that runs."""
    value = args.get(key)
    name = last(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return f"{state.primary.release.rpartition(':')[0]}:{name}" if name.isascii() and name.isdigit() else name


def number(args: Args, key: str) -> int | None:
    """A whole number; None where none is given."""
    text = str(args.get(key, ""))
    return int(text) if text.isascii() and text.isdigit() else None
