"""How often one may try: over a window that moves, counted in this process by ``limits``."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from hutch.model.accessing import AccessConfig
from hutch.web.guard import Refused

GUESSES = "20/minute"
"""Unknown tokens from one address."""

TOLD = "20/minute"
"""Refusals of one person that the log is told of: nobody fills it by asking for what they may not have."""


class Throttle:
    """The limits of one application."""

    def __init__(self, config: AccessConfig) -> None:
        self._windows = MovingWindowRateLimiter(MemoryStorage())
        self._sign_in, self._api = parse(config.sign_in_rate), parse(config.api_rate)
        self._guesses, self._told = parse(GUESSES), parse(TOLD)

    def sign_in(self, address: str) -> None:
        """Count a try. Raises :class:`Refused` with 429 past the rate."""
        self._hit(self._sign_in, "sign-in", network_of(address))

    def api(self, who: str) -> None:
        """Count a request to the API."""
        self._hit(self._api, "api", who)

    def guess(self, address: str) -> None:
        """Count an unknown token."""
        self._hit(self._guesses, "guess", network_of(address))

    def worth_telling(self, who: str) -> bool:
        """Whether the log is told of one more refusal of theirs."""
        return self._windows.hit(self._told, "told", who)

    def _hit(self, rate: RateLimitItem, what: str, who: str) -> None:
        if not self._windows.hit(rate, what, who):
            raise Refused("Too many at once: wait a little and try again", 429)


def network_of(address: str) -> str:
    """What counts as one place: an address, of IPv6 its /64, since whoever has one has all of those."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    return str(ip_network((found, 64), strict=False)) if isinstance(found, IPv6Address) else str(found)
