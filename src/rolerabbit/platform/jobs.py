"""Changes that answer once they have begun, as hosted platforms do: the work goes on, and the ledger tells how."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Mapping
from typing import Any, Protocol

from rolerabbit.platform.errors import PlatformError
from rolerabbit.platform.held import Held
from rolerabbit.platform.ledger import Deployment, Ledger, Release

BEGUN_WITHIN = 35.0
"""Seconds in which the platform begins what was asked for; it waits 30 s for another change."""
LOOK_SECONDS = 0.02


class Changes(Protocol):
    """What is done to the replicas."""

    @property
    def ledger(self) -> Ledger:
        """What was deployed so far."""

    @property
    def busy(self) -> bool:
        """Whether a change is being made."""

    async def deploy(self, release_id: str) -> Deployment:
        """Run a release."""

    async def rollback(self, to: str | None) -> Deployment:
        """Run an earlier release again."""

    async def restart(self) -> None:
        """Replace every replica."""


class Replicas(Protocol):
    """The replicas as a whole."""

    @property
    def size(self) -> int:
        """How many there should be."""

    def describe(self) -> list[dict[str, Any]]:
        """A row each."""


class Scaled(Changes, Protocol):
    """Changes, and the replicas that they are made to."""

    @property
    def fleet(self) -> Replicas:
        """The replicas."""

    @property
    def held(self) -> Held:
        """What replicas are held to from the next deployment on."""

    def hold(self, held: Held) -> None:
        """Hold them to something else."""

    async def scale(self, replicas: int) -> None:
        """Run more or fewer."""


class Registered(Scaled, Protocol):
    """And releases that are registered first."""

    async def register(self, release_id: str, note: str, env: Mapping[str, str]) -> Release:
        """Add a release that can be deployed from now on."""


class Variables(Protocol):
    """The secrets among the service's variables, as the next replica is given them."""

    def environment(self) -> dict[str, str]:
        """Their values by name."""

    def give(self, name: str, text: str) -> None:
        """Another value for one of them. PlatformError where it can't be used."""


class Jobs:
    """The changes under way. What failed stands in the ledger, with its reason; a defect is raised."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._begun: set[str] = set()
        self._running: set[asyncio.Task[Any]] = set()

    async def begin(self, work: Coroutine[Any, Any, Deployment]) -> str:
        """Let it run, and give its id in the ledger once it is there; empty where it could not begin."""
        known = {entry.id for entry in self._changes.ledger.deployments}
        job, until = self.start(work), time.monotonic() + BEGUN_WITHIN
        while time.monotonic() < until:
            new = next((e.id for e in self._changes.ledger.deployments if e.id not in known | self._begun), None)
            if new is not None:
                self._begun.add(new)
                return new
            if job.done():
                break
            await asyncio.sleep(LOOK_SECONDS)
        return ""

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Let it run."""
        job = asyncio.create_task(work)
        self._running.add(job)
        job.add_done_callback(self._over)
        return job

    def _over(self, job: asyncio.Task[Any]) -> None:
        self._running.discard(job)
        if not job.cancelled() and job.exception() is not None and not isinstance(job.exception(), PlatformError):
            job.result()
