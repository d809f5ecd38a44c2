"""How often one may try: over a window that moves, by ``limits`` in this process.

What guards accounts is counted in the store besides, so that several servers of one store give nobody more tries.
"""

from __future__ import annotations

from datetime import timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from hutch.commands.context import Context
from hutch.web.guard import Refused

GUESSES = "20/minute"
"""Unknown tokens from one address."""

TOLD = "20/minute"
"""Refusals of one person that the log is told of: nobody fills it by asking for what they may not have."""


class Throttle:
    """The limits of one application."""

    def __init__(self, context: Context) -> None:
        self._context, config = context, context.config.access
        self._windows = MovingWindowRateLimiter(MemoryStorage())
        self._sign_in, self._api = parse(config.sign_in_rate), parse(config.api_rate)
        self._guesses, self._told = parse(GUESSES), parse(TOLD)

    async def sign_in(self, address: str) -> None:
        """Count a try. Raises :class:`Refused` with 429 past the rate."""
        await self._everywhere(self._sign_in, "sign-in", network_of(address))

    async def guess(self, address: str) -> None:
        """Count an unknown token."""
        await self._everywhere(self._guesses, "guess", network_of(address))

    def api(self, who: str) -> None:
        """Count a request to the API."""
        self._hit(self._api, "api", who)

    def worth_telling(self, who: str) -> bool:
        """Whether the log is told of one more refusal of theirs."""
        return self._windows.hit(self._told, "told", who)

    async def _everywhere(self, rate: RateLimitItem, what: str, who: str) -> None:
        """Counted here first: what this process refuses by itself costs the store no write."""
        self._hit(rate, what, who)
        accounts, window = self._context.accounts, timedelta(seconds=rate.get_expiry())
        if accounts and not await accounts.hit(f"{what} {who}", rate.amount, window, self._context.clock.now()):
            raise _too_many()

    def _hit(self, rate: RateLimitItem, what: str, who: str) -> None:
        if not self._windows.hit(rate, what, who):
            raise _too_many()


def _too_many() -> Refused:
    return Refused("Too many at once: wait a little and try again", 429)


def network_of(address: str) -> str:
    """What counts as one place: an address, of IPv6 its /64, since whoever has one has all of those."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    return str(ip_network((found, 64), strict=False)) if isinstance(found, IPv6Address) else str(found)
