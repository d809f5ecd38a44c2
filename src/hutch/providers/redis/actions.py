"""``redis.set_maxmemory``: more room for the data, never more than the machine has."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from hutch.model.action import Outcome, Preview, Result, Verification, Verified
from hutch.model.effect import Effect
from hutch.providers.redis.client import Client
from hutch.providers.redis.config import Config
from hutch.providers.redis.errors import Kind, RedisError
from hutch.providers.redis.figures import Memory, size

_CLOSED = "CONFIG is closed to this login: change maxmemory where the service is managed, or give operator_url"


@dataclass(frozen=True, slots=True)
class SetMaxmemory:
    """``args``: ``bytes``, the new limit, and ``from``, the limit that it replaces.

    It applies only while ``from`` still holds: what was approved was leaving that. (The server has no way to compare
    and set in one step; a change by somebody else in the millisecond between the two is overwritten.)
    """

    client: Client
    operator: Client
    config: Config

    @property
    def effect(self) -> Effect:
        """A change: nothing stored is lost by it, since a limit that would evict is refused."""
        return Effect.CHANGE

    async def preview(self, args: Mapping[str, object]) -> Preview:
        """From which limit to which, how much is used, and what forbids it."""
        try:
            wanted, left = _bytes(args, "bytes"), _bytes(args, "from")
            now = Memory.of(await self.client.info())
            refused = self._refusal(wanted, left, now) or await self._closed()
        except (RedisError, ValueError) as error:
            return Preview("can't tell what would be changed", 0, refused=str(error))
        if now.limit == wanted:
            return Preview(f"maxmemory is {size(wanted)} already: nothing to do", 0)
        said = f"set maxmemory from {size(now.limit)} to {size(wanted)}; {size(now.used)} are used"
        items = (f"maxmemory of {self.client.where}: {now.limit:.0f} → {wanted} bytes",)
        return Preview(said, 1, items, f"set maxmemory back to {size(now.limit)} ({now.limit:.0f} bytes)", refused)

    async def apply(self, args: Mapping[str, object]) -> Outcome:
        """Set it, for as long as the server runs. ``undo`` goes back."""
        started = time.monotonic()
        try:
            wanted, left = _bytes(args, "bytes"), _bytes(args, "from")
            now = Memory.of(await self.client.info())
            if now.limit == wanted:
                return Outcome(Result.DONE, f"maxmemory is {size(wanted)} already: nothing was done")
            if refusal := self._refusal(wanted, left, now):
                return Outcome(Result.FAILED, f"refused: {refusal}")
            await self.operator.change("CONFIG", "SET", "maxmemory", wanted)
        except ValueError as error:
            return Outcome(Result.FAILED, str(error))
        except RedisError as error:
            return failed(error, time.monotonic() - started)
        said = f"maxmemory set from {size(left)} to {size(wanted)} until the server restarts: write it to its file too"
        undo = {"action": "redis.set_maxmemory", "args": {"bytes": left, "from": wanted}}
        return Outcome(Result.DONE, said, seconds=time.monotonic() - started, hits=1, undo=undo)

    async def verify(self, args: Mapping[str, object]) -> Verification:
        """Passed when the limit holds and the memory in use is below it, so that writes are taken."""
        try:
            wanted = _bytes(args, "bytes")
            now = Memory.of(await self.client.info())
        except (RedisError, ValueError) as error:
            return Verification(Verified.UNKNOWN, f"can't tell what maxmemory is: {error}")
        seen = (f"{now.used:.0f} of {now.limit:.0f} bytes used, policy {now.policy}",)
        if now.limit != wanted:
            return Verification(Verified.FAILED, f"maxmemory is {size(now.limit)}, not {size(wanted)}", seen)
        if now.used >= now.limit:
            return Verification(Verified.FAILED, f"maxmemory is {size(wanted)}, and all of it is used", seen)
        return Verification(Verified.PASSED, f"maxmemory is {size(wanted)}, {size(now.used)} of it used", seen)

    def _refusal(self, wanted: int, left: int, now: Memory) -> str:
        """The guard's reason, or nothing."""
        if now.limit not in (left, wanted):
            return f"maxmemory is {now.limit:.0f} now, not {left}: look again before changing anything"
        if not wanted:
            return "without a limit the server may take all of the machine's memory: give a number of bytes"
        if not now.total:
            return "the server does not tell how much memory its machine has"
        room = now.total * self.config.memory_share / 100
        if wanted > max(room, now.limit):
            most = f"{self.config.memory_share:g} % of the machine's {size(now.total)} ({room:.0f} bytes)"
            return f"{size(wanted)} are more than {most}"
        if wanted < now.used and not now.keeps:
            return f"{size(now.used)} are used: a limit below that would evict keys at once, policy {now.policy}"
        return ""

    async def _closed(self) -> str:
        """Why CONFIG can't be used, or nothing."""
        try:
            await self.operator.ask("CONFIG", "GET", "maxmemory")
        except RedisError as error:
            return _CLOSED if error.kind in (Kind.DENIED, Kind.COMMAND) else str(error)
        return ""


def failed(error: RedisError, seconds: float) -> Outcome:
    """The outcome of an error: unknown where the command was sent and no answer came."""
    result = Result.UNKNOWN if error.sent else Result.FAILED
    return Outcome(result, str(error), seconds=seconds, recoverable=error.recoverable and not error.sent)


def _bytes(args: Mapping[str, object], name: str) -> int:
    value = args.get(name)
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{name} must be a number of bytes, not {value!r}")
    return value
