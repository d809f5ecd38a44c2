"""What people ask of the platform: register, deploy, roll back, restart, scale. One change at a time."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

from rolerabbit.platform.errors import BadRequest, Conflict, PlatformError
from rolerabbit.platform.fleet import Fleet
from rolerabbit.platform.handed import NOTHING, Handed
from rolerabbit.platform.held import Held
from rolerabbit.platform.ledger import Deployment, Kind, Ledger, Release
from rolerabbit.platform.rotation import Secrets
from rolerabbit.platform.settings import MAX_REPLICAS
from rolerabbit.platform.sizes import Sizes, variable

CHANGE_SECONDS = 30.0
"""The longest that a change waits for another one, and the longest that it takes by itself."""


class Control:
    """Does the changes and remembers them in ``state_file`` (0600: a release's environment may hold secrets)."""

    def __init__(
        self,
        fleet: Fleet,
        state_file: Path,
        base_env: Mapping[str, str],
        replicas: int,
        sizes: Sizes,
        secrets: Secrets,
        handed: Handed = NOTHING,
    ) -> None:
        self.fleet = fleet
        self.secrets = secrets
        self._handed = handed
        self.sizes = sizes
        self._replicas = replicas
        self._state_file = state_file
        self._base_env = dict(base_env)
        self._lock = asyncio.Lock()
        self.ledger = load(state_file).interrupted(now())
        self.held = load_held(state_file)

    @property
    def busy(self) -> bool:
        """Whether a change is being made."""
        return self._lock.locked()

    async def register(self, release_id: str, note: str, env: Mapping[str, str]) -> Release:
        """Add a release that can be deployed from now on."""
        async with self._change():
            release = Release(release_id, now(), note, tuple(sorted(env.items())))
            self._remember(self.ledger.register(release))
            return release

    async def deploy(self, release_id: str) -> Deployment:
        """Run a registered release instead of the current one."""
        async with self._change():
            return await self._run(release_id, "deploy")

    async def rollback(self, to: str | None) -> Deployment:
        """Run an earlier release again: ``to``, or the one before the current."""
        async with self._change():
            return await self._run(self.ledger.rollback_target(to), "rollback")

    async def restart(self) -> None:
        """Replace every replica by a new one of the same release."""
        async with self._change():
            await self._anew()

    async def add_key(self, secret: str, signer: str) -> None:
        """A new key signs, those before it verify; see `Secrets.add`."""
        async with self._change():
            await self.secrets.add(secret, signer, self._anew)

    async def retire_keys(self, secret: str) -> None:
        """The keys that were replaced are off; see `Secrets.retire`."""
        async with self._change():
            await self.secrets.retire(secret, self._anew)

    def hold(self, held: Held) -> None:
        """Hold replicas to that from the next deployment on, whatever it deploys."""
        self.held = held
        self._remember(self.ledger)

    async def _anew(self) -> None:
        await self._replace(self._current(), self._replicas, self.sizes)

    async def scale(self, replicas: int, wanted: Mapping[str, int | None] = MappingProxyType({})) -> None:
        """Run as many replicas (1 to 8), of the sizes that are given. Conflict where the release sets one by itself."""
        if not 1 <= replicas <= MAX_REPLICAS:
            raise BadRequest(f"replicas={replicas} is out of bounds", f"choose 1 to {MAX_REPLICAS}")
        async with self._change():
            sizes = self.sizes.changed(wanted)
            if sizes == self.sizes:
                await self.fleet.resize(replicas)
            else:
                self._may_be(sizes)
                await self._replace(self._current(), replicas, sizes)
            self._replicas, self.sizes = replicas, sizes

    def _may_be(self, sizes: Sizes) -> None:
        own, before = dict(self.ledger.release(self._current()).env), self.sizes.as_dict()
        changed = (name for name, size in sizes.as_dict().items() if size != before[name])
        fixed = next((name for name in changed if variable(name) in own), "")
        if fixed:
            raise Conflict(f"release {self._current()} sets {variable(fixed)} by itself", "deploy one that does not")

    def _current(self) -> str:
        if self.ledger.current is None:
            raise Conflict("no release runs", "deploy one first")
        return self.ledger.current

    async def _run(self, release_id: str, kind: Kind) -> Deployment:
        ledger, deployment = self.ledger.begin(release_id, kind, now())
        self._remember(ledger)
        try:
            await self._replace(release_id, self._replicas, self.sizes)
        except (PlatformError, asyncio.CancelledError) as error:
            reason = error.error if isinstance(error, PlatformError) else "the platform was stopped"
            self._remember(self.ledger.finish(deployment.id, "failed", now(), reason))
            raise
        self._remember(self.ledger.finish(deployment.id, "succeeded", now()))
        return self.ledger.deployment(deployment.id)

    async def _replace(self, release_id: str, replicas: int, sizes: Sizes) -> None:
        release = self.ledger.release(release_id)
        own = {**self._base_env, **self.secrets.environment(), **await self._handed.values()}
        sized = {**sizes.environment, **self.held.environment}
        await self.fleet.replace(release.id, {**own, **sized, **dict(release.env)}, replicas)
        self.secrets.started()

    def _remember(self, ledger: Ledger) -> None:
        self.ledger = ledger
        write_private(self._state_file, json.dumps({**ledger.to_json(), "held": self.held.to_json()}))

    @asynccontextmanager
    async def _change(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(CHANGE_SECONDS):
                await self._lock.acquire()
        except TimeoutError as error:
            raise Conflict("another change is being made", "wait for it, see GET /status, then try again") from error
        try:
            yield
        finally:
            self._lock.release()


def now() -> str:
    """The moment as ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def load(path: Path) -> Ledger:
    """The ledger of the state file; an empty one if there is none. PlatformError if it can't be read."""
    if not path.exists():
        return Ledger()
    try:
        return Ledger.from_json(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError) as error:
        raise PlatformError(
            f"{path} is damaged ({error})", "delete it to start with an empty list of releases"
        ) from error


def load_held(path: Path) -> Held:
    """What the state file, which :func:`load` could read, says of it."""
    return Held.from_json(json.loads(path.read_text(encoding="utf-8")).get("held", {})) if path.exists() else Held()


def write_private(path: Path, text: str) -> None:
    """Write a file that only we can read, whole or not at all."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
