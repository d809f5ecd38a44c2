"""The stage of drills: the demo's, once for all drills of one call, with Hutch serving in this process.

Hutch runs in the harness's own process as it does in ``hutch serve``: the same monitor, worker and API. The harness
only sleeps and reads the event log between two of their steps, and every time that it reports is the time stamp that
Hutch's own log has, so what is measured is Hutch; and no part of it can outlive a harness that is killed.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from hutch.bootstrap.wire import open_context
from hutch.cli.demo_stage import RATE, RULES
from hutch.cli.demo_stage import Stage as Platform
from hutch.cli.drill_targets import LONG, hosted, probes, targets
from hutch.cli.main import resolve
from hutch.commands.context import CommandError, Context
from hutch.commands.drills.baseline import bundled
from hutch.commands.drills.result import Traffic
from hutch.commands.drills.stage import Stage
from hutch.commands.drills.traffic import served
from hutch.commands.drills.visitor import visiting

TIME_SCALE = 60.0
"""As in the demo: a rule of 5 minutes fires after 5 seconds."""

BACKUP = {
    "name": "Backup Old", "condition": "backup_age > 26h", "duration": "5m", "severity": "SEV-3", "no_data": "5m",
}  # fmt: skip
"""A rule over what one exporter alone gives: when that falls silent, nobody can judge it, and that is said."""

LONGEST = {
    "name": "longest_statement", "unit": "s", "window": "60m", "every": "1m",
    "sql": "select coalesce(max(extract(epoch from now() - query_start)), 0) from pg_stat_activity "
           "where state = 'active' and backend_type = 'client backend' and application_name not like 'pg_dump%'",
}  # fmt: skip
STATEMENT = {
    "name": "Statement Runs Long",
    "condition": f"longest_statement > {LONG}",
    "duration": "1m",
    "severity": "SEV-3",
}
"""A number and a rule of a team's own: long by itself harms nobody, so a diagnosis alone wakes nobody for it."""

CHANGES: Mapping[str, Any] = {
    "diagnose_every": "30s",
    "watch_for": "3m",
    "guards": {"per_hour": 1000, "max_hits": 200},
    "alerts": [*RULES, BACKUP, STATEMENT],
    "signals": [LONGEST],
}
"""What the drills' configuration has otherwise than the demo's: the watch by diagnosis is on, the regression watch is
short so that the next drill need not wait for it, and an hour may hold more drills than an hour has incidents."""

OUTSIDE = "edge"
"""The folder of the platform's data where what stands before it keeps its files."""

UNSCALED = frozenset({"vercel"})
"""The hosted platforms whose API sets no number of replicas."""

EDGE_WITHIN = 20.0
"""Seconds that it may take to come up."""

LOAD = "load.json"
"""The file of the stage's folder with the load's own summary, once it has ended."""

FLOWING = RATE / 2
"""Requests a second that must come through for the load to count as flowing."""


@asynccontextmanager
async def standing(
    folder: Path, ready_file: Path | None, say: Callable[[str], None], api: str = "local"
) -> AsyncIterator[Stage]:
    """A service under load, watched by Hutch; a platform of our own unless a running one's ``ready_file`` is given.
    ``api`` is how Hutch deals with it."""
    given = targets if api == "local" else partial(hosted, scales=api not in UNSCALED)
    platform = Platform(folder, "", TIME_SCALE, CHANGES, given, folder / LOAD, probes, api)
    if ready_file is None:
        place = folder / "platform.json"
        async with platform.standing() as ready, edge(place, ready) as door:
            platform.configure({**ready, **door})
            async with _served(platform, ready, place, say) as stage:
                yield stage
        return
    ready = await asyncio.to_thread(_read, ready_file)
    async with edge(ready_file, ready) as door:
        platform.configure({**ready, **door})
        async with _served(platform, ready, ready_file, say) as stage:
            yield stage


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CommandError(f"{path} is not the ready file of a running platform: {error}", 2) from error
    missing = [k for k in ("app_url", "api_url", "reader_url", "operator_url", "redis_url", "token") if k not in found]
    if missing:
        raise CommandError(f"{path} is not the ready file of a running platform: it has no {missing[0]}", 2)
    whole: dict[str, Any] = found
    return whole


@asynccontextmanager
async def edge(ready_file: Path, ready: Mapping[str, Any]) -> AsyncIterator[dict[str, str]]:
    """What stands before the platform while the block lasts: where its door, its names and its metrics are."""
    folder = Path(str(ready["data_dir"])) / OUTSIDE
    (folder / "edge.json").unlink(missing_ok=True)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "rolerabbit", "edge", "--ready-file", str(ready_file),
        stdin=asyncio.subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    try:
        for _ in range(int(EDGE_WITHIN / 0.05)):
            if (folder / "edge.json").exists() or process.returncode is not None:
                break
            await asyncio.sleep(0.05)
        yield {f"edge_{k}": v for k, v in _read_json(folder / "edge.json").items()}
    finally:
        assert process.stdin
        process.stdin.close()
        await process.wait()


def _read_json(path: Path) -> dict[str, str]:
    try:
        found: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CommandError(f"what stands before the platform did not start: {error}") from error
    return found


def _tell_outside(data_dir: Path, port: int) -> None:
    """Where other tools send their alerts: for the fault that is one of those."""
    where = {"alertmanager": f"http://127.0.0.1:{port}/api/v1/ingest/alertmanager"}
    (data_dir / OUTSIDE / "hutch.json").write_text(json.dumps(where), encoding="utf-8")


class Counted:
    """The traffic by the service's own metrics; as it was last, while those are silent."""

    def __init__(self, context: Context) -> None:
        self._context, self._last = context, Traffic()

    async def __call__(self) -> Traffic:
        """Up to now."""
        found = await served(self._context.service())
        self._last = found if found.requests else self._last
        return self._last


@asynccontextmanager
async def _served(
    platform: Platform, ready: Mapping[str, Any], ready_file: Path, say: Callable[[str], None]
) -> AsyncIterator[Stage]:
    server = resolve("hutch.web.server")
    context: Context = open_context(platform.config_path, apart=True)
    listener = server.listen(0)
    _tell_outside(Path(str(ready["data_dir"])), listener.getsockname()[1])
    try:
        async with (
            server.serving(context, listener) as monitor,
            platform.load(ready),
            visiting(f"{ready['app_url']}/api/health") as visitor,
        ):
            (watch,) = monitor.watches.values()
            yield Stage(
                context,
                ready_file,
                platform.folder,
                Counted(context),
                visitor,
                lambda: (watch.values.get("request_rate") or 0) > FLOWING,
                say,
                bundled(),
            )
    finally:
        await context.close()
