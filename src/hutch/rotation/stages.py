"""``secret.rotate`` of a key ring, stage by stage: a new key that all know, then it signs, then the old one goes.

Each stage is one write. Whoever is given the ring at its start has it from the next ``service.restart`` on, so between
two stages everything is started anew: no replica signs with a key that another one does not know.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from hutch.model.action import Command, Outcome, Preview, Result, Verification, Verified
from hutch.remote import Args, Refused, Silent, applied, previewed, verified, word_of
from hutch.rotation.ring import NoRing, Ring

ADD, SIGN, RETIRE, REPLACE = "add", "sign", "retire", "replace"
STAGES = (ADD, SIGN, RETIRE)
KEY_BYTES = 32
TAKEN_UP = "what runs has it from the next `service.restart` on"


class Safe(Protocol):
    """Where the configured secrets are kept. Raises :class:`Refused` or :class:`Silent`, never with a value."""

    def place(self, secret: str) -> str:
        """Where that secret is kept, in words."""

    async def value(self, secret: str) -> str:
        """Its value now."""

    async def put(self, secret: str, value: str) -> str:
        """Keep another value; what was done, in words."""


@dataclass(frozen=True, slots=True)
class Stages:
    """The stages of the rings in one safe. ``args``: ``secret``, ``stage``."""

    safe: Safe
    now: Callable[[], datetime]

    @previewed
    async def preview(self, args: Args) -> Preview:
        """Which key signs, which verify, and what the stage makes of that."""
        secret, stage = word_of(args, "secret"), word_of(args, "stage")
        ring = await self._ring(secret)
        words = _said(secret, stage, ring)
        if _reached(stage, ring):
            return Preview(f"{words}: it is so already", 0)
        refused = _refused(stage, ring)
        items = (self.safe.place(secret), *_items(ring), TAKEN_UP)
        return Preview(words, 0 if refused else 1, items, _way_back(stage), refused)

    @applied
    async def apply(self, args: Args) -> Outcome:
        """Write the ring of that stage; nothing where it stands so already."""
        secret, stage = word_of(args, "secret"), word_of(args, "stage")
        ring = await self._ring(secret)
        if _reached(stage, ring):
            return Outcome(Result.DONE, f"{secret}: {_stand(ring)}; it was so already")
        if refused := _refused(stage, ring):
            return Outcome(Result.FAILED, refused)
        after = self._after(stage, ring)
        done = await self.safe.put(secret, after.text())
        return Outcome(Result.DONE, f"{secret}: {_stand(after)}; {done}", hits=1)

    @verified
    async def verify(self, args: Args) -> Verification:
        """Passed when the ring stands as the stage leaves it."""
        secret, stage = word_of(args, "secret"), word_of(args, "stage")
        ring = await self._ring(secret)
        verdict = Verified.PASSED if _reached(stage, ring) else Verified.FAILED
        return Verification(verdict, f"{secret}: {_stand(ring)}", _items(ring))

    async def told(self, command: Command) -> Outcome:
        """``secret.ring``: the ids of a ring's keys by what they are for, as JSON. No value."""
        try:
            ring = await self._ring(word_of(command.args, "secret"))
        except (Refused, Silent) as error:
            return Outcome(Result.FAILED, str(error), recoverable=isinstance(error, Silent))
        found = {"signs": ring.signs, "new": list(ring.new), "old": list(ring.old)}
        return Outcome(Result.DONE, _stand(ring), json.dumps(found))

    async def _ring(self, secret: str) -> Ring:
        try:
            return Ring.parse(await self.safe.value(secret))
        except NoRing as error:
            raise Refused(
                f"{self.safe.place(secret)}: {error}, so it has no stages; stage {REPLACE} gives it a new value"
            ) from None

    def _after(self, stage: str, ring: Ring) -> Ring:
        if stage == ADD:
            value = base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
            return ring.added(value, secrets.token_hex(4), self.now())
        return ring.signed() if stage == SIGN else ring.retired()


def _reached(stage: str, ring: Ring) -> bool:
    done = {ADD: bool(ring.new), SIGN: bool(ring.old) and not ring.new, RETIRE: not ring.old}
    return done.get(stage, False)


def _refused(stage: str, ring: Ring) -> str:
    """Why the stage can't be done now, or nothing."""
    if stage == ADD and ring.old:
        return f"key {', '.join(ring.old)} was replaced before and still verifies: retire it first"
    if stage == SIGN and not ring.new:
        return f"there is no new key to sign: stage {ADD} makes one"
    if stage == RETIRE and ring.new:
        return f"key {', '.join(ring.new)} waits to sign: stage {SIGN} comes first"
    return ""


def _said(secret: str, stage: str, ring: Ring) -> str:
    words = {
        ADD: f"a new key of {secret} verifies, {ring.signs} still signs",
        SIGN: f"the new key of {secret} signs, {ring.signs} still verifies",
        RETIRE: f"turn off the keys of {secret} that were replaced",
    }
    return words[stage]


def _way_back(stage: str) -> str:
    if stage == RETIRE:
        return "none: a key that is off is gone, and what it signed is refused"
    return "not needed: until it is retired, the old key is as good as before"


def _stand(ring: Ring) -> str:
    others = [*(f"{id} is new and verifies" for id in ring.new), *(f"{id} is old and verifies" for id in ring.old)]
    return f"{ring.signs} signs, {', '.join(others) or 'no other key'}"


def _items(ring: Ring) -> tuple[str, ...]:
    return (f"key {ring.signs} signs", *(f"key {id} verifies only, new" for id in ring.new),
            *(f"key {id} verifies only, old" for id in ring.old))  # fmt: skip
