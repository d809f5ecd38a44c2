"""Blocking addresses for a while: never our own, never one with other users behind it, and once however often asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hutch.model.action import Outcome, Preview, Result, Verification, Verified
from hutch.model.effect import Effect
from hutch.providers.audit.arguments import Args, BadArguments, text, whole
from hutch.providers.audit.client import Client, Row
from hutch.providers.audit.config import SETTLING, Config, Network
from hutch.providers.audit.doing import applied, previewed, verified
from hutch.providers.audit.networks import grown, network_of, refusal, shown
from hutch.providers.audit.queries import parameters, query

_UNDO = "block.remove ends the block at once; it ends by itself otherwise"


@dataclass(frozen=True, slots=True)
class AddBlock:
    """``args``: ``address`` (an address or a network in CIDR form, IPv6 by its /64), ``minutes``, ``reason``.

    Without ``minutes`` a block lasts ``block_minutes``, ``block_growth`` times as long for each one that ended lately.
    """

    client: Client
    config: Config
    effect: Effect = Effect.CHANGE

    @previewed("can't tell what would be blocked", _UNDO)
    async def preview(self, args: Args) -> Preview:
        """What would be blocked for how long, and who else would be hit."""
        network = network_in(args)
        [state] = await self._rows("block_state", network)
        minutes = self._minutes(args, state)
        refused = self._refusal(network) or self._shared(network, state)
        if state["blocked_until"]:
            until = f"{state['blocked_until']:%Y-%m-%d %H:%M} UTC"
            return Preview(f"{shown(network)} is blocked until {until} already: nothing to do", 0, refused=refused)
        items = (
            f"{state['failures']} failed log-ins in the window are its own",
            f"other users who logged in from it in {self.config.whole('neighbour_days')} days: {state['neighbours']}",
            f"blocks of it that ended in {self.config.whole('repeat_days')} days: {state['former']}",
        )
        return Preview(f"block {shown(network)} for {minutes} min", 1, items, _UNDO, refused)

    @applied
    async def apply(self, args: Args) -> Outcome:
        """Block it in one statement that looks once more who else is there. ``hits`` is 0 where it was blocked."""
        network = network_in(args)
        if refused := self._refusal(network):
            return Outcome(Result.FAILED, f"refused: {refused}")
        [state] = await self._rows("block_state", network)
        more = {"minutes": self._minutes(args, state), "reason": text(args, "reason", "blocked by on-call")}
        async with self.client.changing() as change:
            await change.alone("blocks")
            added = await change.rows(query("block_add", self.config), self._parameters(network) | more)
        return await self._told(network, added)

    @verified("can't tell whether it is blocked")
    async def verify(self, args: Args) -> Verification:
        """Passed while the block stands and nobody was let in since; failed when it doesn't, or is not obeyed."""
        network = network_in(args)
        standing = await self._rows("block_standing", network)
        if not standing:
            return Verification(Verified.FAILED, f"{shown(network)} is not blocked")
        first = standing[0]
        said = f"{shown(network)} is blocked until {first['blocked_until']:%Y-%m-%d %H:%M} UTC"
        if first["tried"] or first["entered"]:
            seen = f"since then {first['tried']} passwords were tried from it and {first['entered']} log-ins let in"
            return Verification(Verified.FAILED, f"{said}, but the service does not obey it", (seen,))
        return Verification(Verified.PASSED, said, ("no attempt from it was let in since",))

    async def _told(self, network: Network, added: list[Row]) -> Outcome:
        if added:
            until = f"{added[0]['blocked_until']:%Y-%m-%d %H:%M} UTC"
            undo = {"action": "block.remove", "args": {"address": shown(network)}}
            return Outcome(Result.DONE, f"{shown(network)} is blocked until {until}", hits=1, undo=undo)
        [state] = await self._rows("block_state", network)
        if state["blocked_until"]:
            return Outcome(Result.DONE, f"{shown(network)} is blocked already: nothing was done")
        why = self._shared(network, state) or f"{shown(network)} holds the database's or this connection's own address"
        return Outcome(Result.FAILED, f"refused: {why}")

    def _minutes(self, args: Args, state: Mapping[str, object]) -> int:
        default, most = grown(self.config, int(str(state["former"]))), self.config.whole("max_block_minutes")
        return whole(args, "minutes", default, most)

    def _refusal(self, network: Network) -> str:
        return self.client.refusal or refusal(network, self.config.protected)

    def _shared(self, network: Network, state: Mapping[str, object]) -> str:
        """Why an address with other users behind it stays open."""
        users, most = int(str(state["neighbours"])), self.config.whole("neighbours")
        if users <= most:
            return ""
        days = self.config.whole("neighbour_days")
        return (
            f"{users} other users logged in from {shown(network)} in the last {days} days, so it is shared; "
            f"services.*.audit.neighbours allows {most}: restrict the attacked accounts instead"
        )

    async def _rows(self, name: str, network: Network) -> list[Row]:
        return await self.client.rows(query(name, self.config), self._parameters(network))

    def _parameters(self, network: Network) -> dict[str, object]:
        return parameters(self.config) | {"network": str(network), "settling": SETTLING}


@dataclass(frozen=True, slots=True)
class RemoveBlock:
    """``args``: ``address`` as it was blocked. The rows stay as a record and end now."""

    client: Client
    config: Config
    effect: Effect = Effect.CHANGE

    @previewed("can't tell what would be unblocked")
    async def preview(self, args: Args) -> Preview:
        """Which active block would end."""
        network = network_in(args)
        exact = [row for row in await self._standing(network) if row["exact"]]
        items = tuple(f"{shown(row['address'])} until {row['blocked_until']:%Y-%m-%d %H:%M} UTC" for row in exact)
        undo = "block.add blocks it again"
        return Preview(f"end {len(exact)} blocks of {shown(network)}", len(exact), items, undo, self.client.refusal)

    @applied
    async def apply(self, args: Args) -> Outcome:
        """End it. ``undo`` blocks for the minutes that were left."""
        network = network_in(args)
        left = max((row["minutes"] for row in await self._standing(network) if row["exact"]), default=0.0)
        async with self.client.changing() as change:
            await change.alone("blocks")
            ended = await change.rows(query("block_remove", self.config), {"network": str(network)})
        if not ended:
            return Outcome(Result.DONE, f"{shown(network)} is not blocked: nothing was done")
        again = {"address": shown(network), "minutes": max(1, round(left)), "reason": "blocked again"}
        undo = {"action": "block.add", "args": again}
        said = f"{shown(network)} is no longer blocked"
        return Outcome(Result.DONE, said, hits=len(ended), undo=undo)

    @verified("can't tell whether it is blocked")
    async def verify(self, args: Args) -> Verification:
        """Passed when no active block holds the address, a wider one neither."""
        network = network_in(args)
        standing = await self._standing(network)
        if not standing:
            return Verification(Verified.PASSED, f"{shown(network)} is not blocked")
        by = ", ".join(shown(row["address"]) for row in standing)
        return Verification(Verified.FAILED, f"{shown(network)} is blocked by {by}")

    async def _standing(self, network: Network) -> list[Row]:
        more = {"network": str(network), "settling": SETTLING}
        return await self.client.rows(query("block_standing", self.config), parameters(self.config) | more)


def network_in(args: Args) -> Network:
    """The network of ``address``. :class:`BadArguments` where it is none."""
    try:
        return network_of(text(args, "address"))
    except BadArguments:
        raise
    except ValueError as error:
        raise BadArguments(f"address: {error}") from None
