"""The stage of drills: the demo's, once for all drills of one call, with Hutch serving in this process.

Hutch runs in the harness's own process as it does in ``hutch serve``: the same monitor, worker and API. The harness
only sleeps and reads the event log between two of their steps, and every time that it reports is the time stamp that
Hutch's own log has, so what is measured is Hutch; and no part of it can outlive a harness that is killed.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from hutch.bootstrap.wire import open_context
from hutch.cli.demo_stage import RATE
from hutch.cli.demo_stage import Stage as Platform
from hutch.cli.drill_targets import targets
from hutch.cli.main import resolve
from hutch.commands.context import CommandError, Context
from hutch.commands.drills.stage import Stage
from hutch.commands.drills.traffic import served
from hutch.commands.drills.visitor import visiting

TIME_SCALE = 60.0
"""As in the demo: a rule of 5 minutes fires after 5 seconds."""

CHANGES: Mapping[str, Any] = {
    "diagnose_every": "30s",
    "watch_for": "3m",
    "guards": {"per_hour": 1000, "max_hits": 200},
}
"""What the drills' configuration has otherwise than the demo's: the watch by diagnosis is on, the regression watch is
short so that the next drill need not wait for it, and an hour may hold more drills than an hour has incidents."""

LOAD = "load.json"
"""The file of the stage's folder with the load's own summary, once it has ended."""

FLOWING = RATE / 2
"""Requests a second that must come through for the load to count as flowing."""


@asynccontextmanager
async def standing(folder: Path, ready_file: Path | None, say: Callable[[str], None]) -> AsyncIterator[Stage]:
    """A service under load, watched by Hutch; a platform of our own unless a running one's ``ready_file`` is given."""
    platform = Platform(folder, "", TIME_SCALE, CHANGES, targets, folder / LOAD)
    if ready_file is None:
        async with platform.standing() as ready, _served(platform, ready, folder / "platform.json", say) as stage:
            yield stage
        return
    ready = await asyncio.to_thread(_read, ready_file)
    platform.configure(ready)
    async with _served(platform, ready, ready_file, say) as stage:
        yield stage


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CommandError(f"{path} is not the ready file of a running platform: {error}", 2) from error
    missing = [k for k in ("app_url", "api_url", "reader_url", "operator_url", "token") if k not in found]
    if missing:
        raise CommandError(f"{path} is not the ready file of a running platform: it has no {missing[0]}", 2)
    whole: dict[str, Any] = found
    return whole


@asynccontextmanager
async def _served(
    platform: Platform, ready: Mapping[str, Any], ready_file: Path, say: Callable[[str], None]
) -> AsyncIterator[Stage]:
    server = resolve("hutch.web.server")
    context: Context = open_context(platform.config_path, apart=True)
    try:
        async with (
            server.serving(context, server.listen(0)) as monitor,
            platform.load(ready),
            visiting(f"{ready['app_url']}/api/health") as visitor,
        ):
            (watch,) = monitor.watches.values()
            yield Stage(
                context,
                ready_file,
                platform.folder,
                lambda: served(context.service()),
                visitor,
                lambda: (watch.values.get("request_rate") or 0) > FLOWING,
                say,
            )
    finally:
        await context.close()
