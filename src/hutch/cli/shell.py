"""What the commands share: a context for one call, JSON or text on stdout, who is acting."""

from __future__ import annotations

import asyncio
import getpass
import json
import logging
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import click

from hutch.bootstrap.wire import open_context
from hutch.commands.context import Context
from hutch.commands.seen import seen_as

T = TypeVar("T")

as_json = click.option("--json", "json_out", is_flag=True, help="Machine-readable output on stdout.")
service_option = click.option("--service", default="", help="The service; needed where several are configured.")


def config_path() -> Path:
    """The configuration file of this call."""
    return Path(click.get_current_context().find_root().obj["config"])


def with_context(work: Callable[[Context], Awaitable[T]], *, machine: bool = False) -> T:
    """Open the configured context, do the work, close it. It sees what whoever acts may see; a ``machine`` sees all."""
    path = config_path()
    quiet_logs()

    async def whole() -> T:
        context = open_context(path)
        try:
            with seen_as(None if machine else actor()):
                return await work(context)
        finally:
            await context.close()

    return asyncio.run(whole())


def quiet_logs() -> None:
    """Warnings go to stderr as plain lines, the rest nowhere."""
    logging.basicConfig(level=logging.WARNING, format="hutch: %(message)s", stream=sys.stderr)
    logging.getLogger("psycopg").setLevel(logging.ERROR)  # a lost connection is made anew, or said by the store


def actor() -> str:
    """Who is acting: HUTCH_ACTOR, else the login name."""
    try:
        return os.environ.get("HUTCH_ACTOR") or getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def emit(data: object) -> None:
    """JSON on stdout."""
    click.echo(json.dumps(data, indent=2, ensure_ascii=False, default=str))


def table(rows: Sequence[Mapping[str, Any]], columns: list[str], empty: str) -> None:
    """Rows as aligned columns; ``empty`` is said where there are none."""
    if not rows:
        click.echo(empty)
        return
    cells = [[str(row.get(c, "")) for c in columns] for row in rows]
    widths = [max(len(c), *(len(r[i]) for r in cells)) for i, c in enumerate(columns)]
    for line in [[c.upper().replace("_", " ") for c in columns], *cells]:
        click.echo("  ".join(v.ljust(w) for v, w in zip(line, widths, strict=True)).rstrip())


def ago(at: datetime, now: datetime) -> str:
    """``3 min ago`` or ``in 25 min``."""
    gap = now - at
    return f"{span(gap)} ago" if gap >= timedelta(0) else f"in {span(-gap)}"


def span(length: timedelta) -> str:
    """``45 s``, ``12 min``, ``3 h 5 min``, ``2 d``."""
    seconds = int(length.total_seconds())
    if seconds < 90:
        return f"{seconds} s"
    if seconds < 5400:
        return f"{seconds // 60} min"
    if seconds < 2 * 86400:
        minutes = seconds % 3600 // 60
        return f"{seconds // 3600} h" + (f" {minutes} min" if minutes else "")
    return f"{round(seconds / 86400)} d"
