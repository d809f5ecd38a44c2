"""``secret.rotate`` where secrets are a platform's environment variables: by stages, or replaced by a new value."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from hutch.model.action import Command, Outcome, Preview, Result, Verification, Verified
from hutch.model.effect import Effect
from hutch.remote import Args, Refused, applied, previewed, verified, word_of
from hutch.rotation.stages import REPLACE, STAGES, TAKEN_UP, Safe, Stages


@dataclass(frozen=True, slots=True)
class Rotate:
    """Of one of ``named``, the secrets of the settings. ``stage``: one of a ring's, or ``replace``."""

    safe: Safe
    stages: Stages
    made: dict[str, str] = field(default_factory=dict, repr=False, compare=False)
    effect: Effect = Effect.CHANGE

    @classmethod
    def of(cls, safe: Safe, now: Callable[[], datetime]) -> Rotate:
        """The action of one platform's variables."""
        return cls(safe, Stages(safe, now))

    @previewed
    async def preview(self, args: Args) -> Preview:
        """What would be written, and who has it when."""
        stage = word_of(args, "stage") or REPLACE
        if stage in STAGES:
            return await self.stages.preview(args)
        return await self._preview(args)

    @applied
    async def apply(self, args: Args) -> Outcome:
        """Write it, once."""
        stage = word_of(args, "stage") or REPLACE
        return await (self.stages.apply(args) if stage in STAGES else self._apply(args))

    @verified
    async def verify(self, args: Args) -> Verification:
        """By the ring; of a value that was replaced by whether it is the one that was made here."""
        stage = word_of(args, "stage") or REPLACE
        return await (self.stages.verify(args) if stage in STAGES else self._verify(args))

    async def ring(self, command: Command) -> Outcome:
        """``secret.ring``."""
        return await self.stages.told(command)

    async def _preview(self, args: Args) -> Preview:
        place = self.safe.place(_replaced(args))
        undo = "none: the old value is kept nowhere"
        return Preview(f"give {place} a new random value", 1, (f"{TAKEN_UP}; it is shown nowhere",), undo)

    async def _apply(self, args: Args) -> Outcome:
        secret = _replaced(args)
        value = secrets.token_urlsafe(32)
        self.made[secret] = value
        done = await self.safe.put(secret, value)
        return Outcome(Result.DONE, f"{self.safe.place(secret)} has a new value; {done}", hits=1)

    async def _verify(self, args: Args) -> Verification:
        secret = _replaced(args)
        place, made = self.safe.place(secret), self.made.get(secret)
        if made is None:
            return Verification(Verified.UNKNOWN, f"it can't be told whether {place} was given its value by us")
        same = await self.safe.value(secret) == made
        said = f"{place} has the value that was made" if same else f"{place} has another value than the one made"
        return Verification(Verified.PASSED if same else Verified.FAILED, said)


def _replaced(args: Args) -> str:
    stage = word_of(args, "stage") or REPLACE
    if stage != REPLACE:
        raise Refused(f"the stages are {', '.join((*STAGES, REPLACE))}, not {stage}")
    return word_of(args, "secret")


def variable_of(named: Mapping[str, str], secret: str, where: str) -> str:
    """The variable of a secret of the settings. Raises :class:`Refused`: only what is named is rotated."""
    if secret not in named:
        known = ", ".join(named) or "none"
        raise Refused(f"no secret {secret!r} under services.NAME.{where}.secrets; there are: {known}")
    return named[secret]
