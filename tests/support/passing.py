"""How time passes in a test: by the shipped fake, days in no time; or, once, on the wall clock with a policy in which
an hour is a second. The same test functions, and the same that they look for."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from hutch.model.config import Config
from hutch.model.severity import DEFAULT_POLICY, Policy
from hutch.store.clock import SystemClock
from hutch.testing import FakeClock

SCALE = 1 / 3600
"""On the wall clock: a day of a test is 24 s."""


@dataclass(frozen=True, slots=True)
class Passing:
    """The clock that everything goes by, and how long the lengths of time are that a test speaks of."""

    clock: FakeClock | SystemClock
    scale: float = 1.0

    def length(self, **given: float) -> timedelta:
        """As it is promised and waited for."""
        return timedelta(**given) * self.scale

    async def on(self, **given: float) -> None:
        """Let so much time pass."""
        if isinstance(self.clock, FakeClock):
            self.clock.advance(timedelta(**given).total_seconds())
        else:
            until = self.clock.now() + self.length(**given)
            while (left := (until - self.clock.now()).total_seconds()) > 0:
                await asyncio.sleep(left)

    def lasted(self, found: timedelta, **given: float) -> bool:
        """Whether so much passed. The fake is exact; the machine adds what it takes itself, and takes nothing away."""
        wanted = self.length(**given)
        return found == wanted if isinstance(self.clock, FakeClock) else found >= wanted

    @property
    def policy(self) -> Policy:
        """The seed's table in these lengths."""
        return {
            severity: replace(p, response=p.response * self.scale, update=p.update and p.update * self.scale)
            for severity, p in DEFAULT_POLICY.items()
        }

    def config(self, config: Config) -> Config:
        """The same by this clock."""
        return replace(config, policy=self.policy, watch_for=config.watch_for * self.scale)


@pytest.fixture(params=["fake", pytest.param("wall", marks=pytest.mark.slow)])
def passing(request: pytest.FixtureRequest) -> Passing:
    """By the fake; with ``make slow`` on the wall clock too."""
    return Passing(FakeClock()) if request.param == "fake" else Passing(SystemClock(), SCALE)
