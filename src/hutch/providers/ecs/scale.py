"""Another number of tasks, or tasks of another size: a size belongs to the revision, so a new one is registered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hutch.model.action import Outcome, Preview, Result, Verification, Verified
from hutch.model.effect import Effect
from hutch.ports import said
from hutch.providers.ecs.actions import judged, number, rolled_out, waited
from hutch.providers.ecs.client import Client, Registered, State
from hutch.providers.ecs.size import SIZES, Size, registration, size_of, unfit
from hutch.remote import Args, applied, previewed, verified


@dataclass(frozen=True, slots=True)
class Scale:
    """``service.scale``: run ``replicas`` tasks, or tasks of ``cpu`` units and ``memory`` MiB. With ``from`` it applies
    only while that many are wanted."""

    client: Client
    effect: Effect = Effect.CHANGE

    @previewed
    async def preview(self, args: Args) -> Preview:
        """From which number or size to which, what is replaced, and the way back."""
        state = await self.client.state()
        refused = self._refused(args, state)
        if refused:
            return Preview("scale", 0, refused=refused)
        if _sizes(args):
            return await self._resizing(args, state)
        wanted = number(args, "replicas") or 0
        words = f"scale release {state.primary.release} from {state.wanted} to {wanted} tasks"
        return Preview(words, abs(wanted - state.wanted), (str(state),), f"scale back to {state.wanted}")

    async def _resizing(self, args: Args, state: State) -> Preview:
        found = await self.client.registered(state.primary.release)
        now, wanted, refused = _judged_size(found, args)
        if refused or now is None or wanted is None:
            return Preview("scale", 0, refused=refused)
        if now == wanted and not state.busy:
            return Preview(f"release {state.primary.release} has tasks of {now} already: nothing to do", 0)
        words = (
            f"tasks of release {state.primary.release} from {now} to {wanted}: it is registered anew with that size, "
            f"and ECS replaces {state.wanted} tasks"
        )
        return Preview(words, max(state.wanted, 1), (str(state),), f"run release {state.primary.release} again")

    @applied
    async def apply(self, args: Args) -> Outcome:
        """Ask for it, once, and answer when it is so, or after ``rollout`` seconds."""
        state = await self.client.state()
        refused = self._refused(args, state)
        if refused:
            return Outcome(Result.FAILED, refused)
        if _sizes(args):
            return await self._resized(args, state)
        wanted = number(args, "replicas") or 0
        await self.client.update(desiredCount=wanted)
        undo: dict[str, object] = {"action": "service.scale", "args": {"replicas": state.wanted, "from": wanted}}
        words = f"ECS was asked to go from {state.wanted} to {wanted} tasks"
        told = await waited(self.client, words, lambda later: _counted(wanted, later))
        return Outcome(Result.DONE, told, hits=abs(wanted - state.wanted), undo=undo)

    async def _resized(self, args: Args, state: State) -> Outcome:
        before = state.primary.release
        found = await self.client.registered(before)
        now, wanted, refused = _judged_size(found, args)
        if refused or now is None or wanted is None:
            return Outcome(Result.FAILED, refused)
        if now == wanted:
            return Outcome(Result.DONE, f"release {before} has tasks of {now} already: nothing was done")
        new = await self.client.register(registration(found.definition, found.tags, wanted))
        said(f"registered {new}: release {before} with tasks of {wanted}\n")
        await self.client.update(taskDefinition=new)
        undo: dict[str, object] = {"action": "deploy.rollback", "args": {"to": before, "from": new}}
        words = f"ECS was asked to go from {before} with {now} to {new} with {wanted}"
        told = await waited(self.client, words, lambda later: _gone_to(new, later))
        return Outcome(Result.DONE, told, hits=state.wanted, undo=undo)

    @verified
    async def verify(self, args: Args) -> Verification:
        """Passed when as many run; of a size, when the release that has it is rolled out."""
        state = await self.client.state()
        if not _sizes(args):
            return _counted(number(args, "replicas"), state)
        release = state.primary.release
        found = size_of((await self.client.registered(release)).definition)
        if found is None or found != found.changed(_sizes(args)):
            return judged(Verified.FAILED, f"release {release} has tasks of {found or 'no size of their own'}", state)
        return rolled_out(state, f"release {release} with {found}")

    def _refused(self, args: Args, state: State) -> str:
        wanted, left, most = number(args, "replicas"), number(args, "from"), self.client.config.max_replicas
        bad = next((name for name in SIZES if name in args and not number(args, name)), "")
        if bad:
            return f"{bad} must be a whole number above 0, not {args[bad]!r}"
        if _sizes(args):
            both = "replicas" in args and wanted != state.wanted
            return "set the number and the size one after the other: each has a way back of its own" if both else ""
        if wanted is None or not 1 <= wanted <= most:
            return f"say how many: replicas from 1 to {most} (the setting max_replicas)"
        if left is not None and state.wanted not in {left, wanted}:
            return f"{state.wanted} tasks are wanted now, not {left}: look again before changing anything"
        return ""


def _sizes(args: Args) -> dict[str, int]:
    found = ((name, number(args, name)) for name in SIZES)
    return {name: size for name, size in found if size}


def _judged_size(found: Registered, args: Mapping[str, Any]) -> tuple[Size | None, Size | None, str]:
    """The size of the release, the one that is wanted, and why it can't be."""
    now = size_of(found.definition)
    if now is None:
        return None, None, "the release gives its tasks no size of their own: its containers have theirs"
    wanted = now.changed(_sizes(args))
    return now, wanted, "" if wanted == now else unfit(found.definition, now, wanted)


def _counted(wanted: int | None, state: State) -> Verification:
    if state.wanted != wanted:
        return judged(Verified.FAILED, f"{state.wanted} tasks are wanted, not {wanted}", state)
    if state.running != wanted:
        return judged(Verified.PENDING, f"{state.running} of {wanted} tasks run", state)
    return judged(Verified.PASSED, f"{wanted} tasks run", state)


def _gone_to(release: str, state: State) -> Verification:
    if state.primary.release != release:
        now = state.primary.release
        return judged(Verified.FAILED, f"the service goes to release {now}, not to {release}", state)
    return rolled_out(state, f"release {release}")
