"""Blocking the addresses of one attack together: those that were approved and still have nobody else behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hutch.model.action import Outcome, Preview, Result, Verification, Verified
from hutch.model.effect import Effect
from hutch.providers.audit.arguments import Args, BadArguments, text, whole
from hutch.providers.audit.client import Client, Row
from hutch.providers.audit.config import SETTLING, Config, Network
from hutch.providers.audit.doing import applied, previewed, verified
from hutch.providers.audit.networks import CUSTOMER, network_of, refusal, shown
from hutch.providers.audit.queries import parameters, query

_UNDO = "block.crowd_remove ends these blocks at once; they end by themselves otherwise"
SHOWN = 10
"""Addresses that a preview shows."""


@dataclass(frozen=True, slots=True)
class BlockCrowd:
    """``args``: ``addresses`` (a list, ``max_crowd`` at most; IPv6 by its /64), ``minutes``, ``reason``."""

    client: Client
    config: Config
    effect: Effect = Effect.CHANGE

    @previewed("can't tell what would be blocked", _UNDO)
    async def preview(self, args: Args) -> Preview:
        """How many would be blocked and which, and how many stay open. The list counts as one hit: addresses have a
        limit of their own, ``max_crowd``."""
        networks, kept = self._networks(args)
        minutes = self._minutes(args)
        state = await self._state(networks)
        left = state["meant"] - state["blocked"] - state["shared"]
        items = [shown(network) for network in networks[:SHOWN]]
        items += [f"and {len(networks) - SHOWN} more"] if len(networks) > SHOWN else []
        items += [f"stay open, other users logged in from them: {state['shared']}"] if state["shared"] else []
        items += [f"stays open: {why}" for why in kept[:SHOWN]]
        said = f"block {left} addresses for {minutes} min, {state['blocked']} of {state['meant']} are blocked already"
        return Preview(said, min(left, 1), tuple(items), _UNDO, self.client.refusal)

    @applied
    async def apply(self, args: Args) -> Outcome:
        """Block them in one statement that looks once more who else is there. ``hits`` counts those blocked now."""
        networks, _ = self._networks(args)
        reason = text(args, "reason", "blocked by on-call")
        more = {"minutes": self._minutes(args), "reason": reason}
        async with self.client.changing() as change:
            await change.alone("blocks")
            added = await change.rows(query("crowd_add", self.config), self._parameters(networks) | more)
        if not added:
            return Outcome(Result.DONE, "no address was left to be blocked: nothing was done")
        addresses = sorted(shown(row["address"]) for row in added)
        undo = {"action": "block.crowd_remove", "args": {"addresses": addresses, "reason": reason}}
        said = f"{len(added)} addresses are blocked for {more['minutes']} min"
        return Outcome(Result.DONE, said, hits=len(added), undo=undo)

    @verified("can't tell whether they are blocked")
    async def verify(self, args: Args) -> Verification:
        """Passed while each of them is blocked or rightly left open, and none was let in since."""
        state = await self._state(self._networks(args)[0])
        said = f"{state['blocked']} of {state['meant']} addresses are blocked, {state['shared']} stay open as shared"
        if state["disobeyed"]:
            seen = f"from {state['disobeyed']} of them a password was tried since"
            return Verification(Verified.FAILED, f"{said}, but the service does not obey it", (seen,))
        whole_ = state["blocked"] + state["shared"] == state["meant"]
        return Verification(Verified.PASSED if whole_ else Verified.FAILED, said)

    def _networks(self, args: Args) -> tuple[list[Network], list[str]]:
        """Those that may be blocked, and why the others may not."""
        found, kept = [], []
        for network in networks_in(args, self.config.whole("max_crowd")):
            why = refusal(network, self.config.protected)
            if not why and network.prefixlen < CUSTOMER[network.version]:
                why = f"{shown(network)} is a network: block.add blocks one, with its neighbours in view"
            if why:
                kept.append(why)
            else:
                found.append(network)
        return found, kept

    def _minutes(self, args: Args) -> int:
        return whole(args, "minutes", self.config.whole("block_minutes"), self.config.whole("max_block_minutes"))

    async def _state(self, networks: Sequence[Network]) -> Row:
        [row] = await self.client.rows(query("crowd_state", self.config), self._parameters(networks))
        return row

    def _parameters(self, networks: Sequence[Network]) -> dict[str, object]:
        listed = [str(network) for network in networks]
        return parameters(self.config) | {"networks": listed, "settling": SETTLING}


@dataclass(frozen=True, slots=True)
class ReleaseCrowd:
    """``args``: ``addresses`` as they were blocked, and the ``reason`` they were blocked for. Other blocks stand."""

    client: Client
    config: Config
    effect: Effect = Effect.CHANGE

    @previewed("can't tell what would be unblocked")
    async def preview(self, args: Args) -> Preview:
        """How many blocks would end."""
        asked = self._asked(args)
        [state] = await self.client.rows(query("crowd_state", self.config), asked)
        said = f"end the blocks of {state['blocked']} addresses that were made for {asked['reason']!r}"
        return Preview(said, min(state["blocked"], 1), (), "block.crowd blocks them again", self.client.refusal)

    @applied
    async def apply(self, args: Args) -> Outcome:
        """End them."""
        asked = self._asked(args)
        async with self.client.changing() as change:
            await change.alone("blocks")
            ended = await change.rows(query("crowd_remove", self.config), asked)
        said = f"the blocks of {len(ended)} addresses ended"
        return Outcome(Result.DONE, said, hits=len(ended))

    @verified("can't tell whether they are blocked")
    async def verify(self, args: Args) -> Verification:
        """Passed when none of them is blocked."""
        [state] = await self.client.rows(query("crowd_state", self.config), self._asked(args))
        said = f"{state['blocked']} of {state['meant']} addresses are blocked"
        return Verification(Verified.FAILED if state["blocked"] else Verified.PASSED, said)

    def _asked(self, args: Args) -> dict[str, object]:
        networks = [str(network) for network in networks_in(args, self.config.whole("max_crowd"))]
        more = {"networks": networks, "settling": SETTLING, "reason": text(args, "reason")}
        return parameters(self.config) | more


def networks_in(args: Mapping[str, object], most: int) -> list[Network]:
    """The networks of ``addresses``, each once. :class:`BadArguments` where it is no list of them, or too long."""
    given = args.get("addresses")
    if not isinstance(given, list | tuple) or not all(isinstance(one, str) for one in given):
        raise BadArguments("addresses must be a list of addresses")
    if len(given) > most:
        raise BadArguments(f"addresses are {len(given)}, more than services.*.audit.max_crowd = {most}")
    try:
        return list(dict.fromkeys(network_of(one) for one in given))
    except ValueError as error:
        raise BadArguments(f"addresses: {error}") from None
