"""The stage of the demo: the local platform with its Postgres, the load, and Hutch's configuration for them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from hutch.commands.context import CommandError

FAULTS: Mapping[str, tuple[str, str]] = {
    "leak": ("leak", "opens database transactions and never ends them"),
    "bad-release": ("errors", "reads a column that does not exist"),
}
"""The demo's faults: what release 43 is given, and what it does wrong, in words."""


def _local(ready: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"url": ready["api_url"], "token": {"file": "token"}}


def _hosted(ready: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """As a hosted platform is configured: the ready file says under which names it knows the service."""
    return {**ready[name], "token": {"file": "token"}, "changes": True, "look_every": 0.5}


def _ecs(ready: Mapping[str, Any]) -> Mapping[str, Any]:
    keys = {"access_key_id": {"file": "key_id"}, "secret_access_key": {"file": "token"}}
    return {**ready["ecs"], **keys, "changes": True, "look_every": 0.5}


PLATFORMS: Mapping[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]] = {
    "local": _local,
    "ecs": _ecs,
    "vercel": lambda ready: _hosted(ready, "vercel"),
    "railway": lambda ready: _hosted(ready, "railway"),
}
"""The APIs that the demo's platform speaks, and Hutch's settings for each."""

START_WITHIN = 60.0
"""Seconds that the platform may take to come up."""

RATE = 40
"""Requests a second of the load."""

RULES = [
    {"name": "High Error Rate", "condition": "error_rate > 5%", "duration": "5m", "severity": "SEV-2"},
    {"name": "Database CPU High", "condition": "db_cpu > 80%", "duration": "10m", "severity": "SEV-2"},
    {"name": "Response Time Slow", "condition": "p95_response_time > 1000ms", "duration": "5m", "severity": "SEV-3"},
    {"name": "Service Down", "condition": "uptime < 100%", "duration": "1m", "severity": "SEV-1"},
]
"""The alert rules of RoleRabbit's own runbooks."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the demo keeps its files and what it will break.

    ``changes`` replace keys of Hutch's configuration; ``targets`` gives further settings by provider, from what the
    ready file says; ``report`` is where the load's summary goes. ``platform`` is the API by which Hutch deals with the
    service's platform.
    """

    folder: Path
    fault: str
    time_scale: float
    changes: Mapping[str, Any] = field(default_factory=dict)
    targets: Callable[[Mapping[str, Any]], Mapping[str, Mapping[str, Any]]] = lambda _: {}
    report: Path = Path(os.devnull)
    probes: Callable[[Mapping[str, Any]], list[dict[str, Any]]] = lambda _: []
    platform: str = "local"

    @property
    def config_path(self) -> Path:
        """Hutch's configuration for the demo."""
        return self.folder / "hutch.yaml"

    @asynccontextmanager
    async def standing(self) -> AsyncIterator[dict[str, Any]]:
        """The platform, up and healthy for as long as the block lasts; gives what its ready file says."""
        ready_file = self.folder / "platform.json"
        ready_file.unlink(missing_ok=True)
        log = self.folder / "platform.log"
        words = ["platform", "run", "--data", str(self.folder / "platform"), "--ready-file", str(ready_file)]
        with log.open("wb") as out:
            process = await _rolerabbit(*words, "--exit-on-eof", stdin=asyncio.subprocess.PIPE, stdout=out, stderr=out)
        try:
            ready = await _ready(process, ready_file, log)
            self.configure(ready)
            yield ready
        finally:
            await _end(process)

    @asynccontextmanager
    async def load(self, ready: Mapping[str, Any]) -> AsyncIterator[None]:
        """Steady visits to the service while the block lasts."""
        words = ["load", "--url", str(ready["app_url"]), "--rate", str(RATE), "--seconds", "20000", "--seed", "7"]
        null, pipe = asyncio.subprocess.DEVNULL, asyncio.subprocess.PIPE
        with self.report.open("wb") as out:
            process = await _rolerabbit(*words, "--json", "--exit-on-eof", stdin=pipe, stdout=out, stderr=null)
        try:
            yield
        finally:
            await _end(process)

    async def break_it(self, ready: Mapping[str, Any]) -> None:
        """Deploy release 43, which does what the fault says."""
        given, does = FAULTS[self.fault]
        release = {"id": "43", "note": does, "env": {"RR_FAULT": given}}
        await asyncio.to_thread(_post, ready, "/releases", release)
        await asyncio.to_thread(_post, ready, "/deployments", {"release": "43"})

    def configure(self, ready: Mapping[str, Any]) -> None:
        """Write Hutch's configuration for a platform that is up."""
        more = self.targets(ready)
        files = {v["file"] for block in more.values() for v in block.values() if isinstance(v, Mapping) and "file" in v}
        for name in {"reader_url", "operator_url", "redis_url", "token", *files}:
            private(self.folder / name, str(ready[name]))
        private(self.folder / "key_id", "AKIDOFTHEDEMO0000001")
        own = {
            "http": {"url": ready["app_url"], "metrics": f"{ready['api_url']}/metrics"},
            "postgres": {"url": {"file": "reader_url"}, "operator_url": {"file": "operator_url"}},
            "redis": {"url": {"file": "redis_url"}},
            self.platform: PLATFORMS[self.platform](ready),
        }
        config = {
            "mode": "act",
            "time_scale": self.time_scale,
            "diagnose_every": "0s",  # the demo tells the story of the rules
            "services": {
                "rolerabbit": {
                    **{name: {**own.get(name, {}), **more.get(name, {})} for name in dict.fromkeys([*own, *more])},
                    "values": {"service-url": ready["app_url"]},
                    "binds": {"https://rolerabbit.com": ready["app_url"]},
                    "runbook": "service-outage",
                }
            },
            "alerts": RULES,
            "probes": self.probes(ready),
            **self.changes,
        }
        self.config_path.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")


async def _rolerabbit(*words: str, stdin: Any, stdout: Any, stderr: Any) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "rolerabbit", *words, stdin=stdin, stdout=stdout, stderr=stderr, start_new_session=True
    )


async def _ready(process: asyncio.subprocess.Process, path: Path, log: Path) -> dict[str, Any]:
    deadline = asyncio.get_running_loop().time() + START_WITHIN
    while asyncio.get_running_loop().time() < deadline:
        found = _read_ready(path)
        if found:
            return found
        if process.returncode is not None:
            raise CommandError(f"the demo's platform did not start: {_last(log)}\nall of it: {log}")
        await asyncio.sleep(0.05)
    raise CommandError(f"the demo's platform was not ready within {START_WITHIN:g} s; see {log}")


def _read_ready(path: Path) -> dict[str, Any]:
    """What the platform says of itself once it is up; empty before that. The file appears whole."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return found


def _last(log: Path) -> str:
    lines = [x for x in log.read_text(encoding="utf-8", errors="replace").splitlines() if x.strip()]
    return lines[-1] if lines else "it said nothing"


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ask it to stop, and after ten seconds end its process group."""
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), 10)
    except TimeoutError:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def _post(ready: Mapping[str, Any], path: str, body: Mapping[str, Any]) -> None:
    headers = {"Authorization": f"Bearer {ready['token']}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{ready['api_url']}{path}", json.dumps(body).encode(), headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=60):  # noqa: S310  (our own platform, on loopback)
            return
    except urllib.error.HTTPError as error:
        raise CommandError(f"the platform refused {path}: {error.read().decode(errors='replace')}") from error


def private(path: Path, text: str) -> None:
    """Write what only its owner may read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text)
