"""What a run does while it is driven, line by line on stderr; stdout is for the result."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import click

from hutch.cli.lines import cut, wrapped
from hutch.cli.paint import painted, width
from hutch.commands.context import Context
from hutch.model.event import Event

EVERY = 0.2
"""Seconds between two looks at the journal."""

MARKS = {"passed": ("✓", "read"), "failed": ("✗", "error"), "refused": ("–", "dim"), "skipped": ("–", "dim")}

TOLD: Mapping[str, tuple[str, str]] = {
    "diagnosis.made": ("diagnosed", "title"),
    "approval.requested": ("offers", "title"),
    "approval.granted": ("approved", "title"),
    "change.intended": ("does", "change"),
    "change.done": ("done", "read"),
    "change.failed": ("failed", "error"),
    "change.unknown": ("unknown", "error"),
    "verification.done": ("verified", "title"),
    "decision.needed": ("asks", "change"),
}
"""Kinds of event of which one thing is told: how it is called, and how that looks. The rest is in the result."""


def wanted() -> bool:
    """Only where somebody looks."""
    return sys.stderr.isatty()


def seen() -> bool:
    """Whether who reads the result has seen all of it come."""
    return wanted() and sys.stdout.isatty()


@asynccontextmanager
async def told(context: Context, run_id: str, after: int = 0) -> AsyncIterator[None]:
    """While the block lasts, what is appended to the run's journal after ``after`` is told on stderr."""
    if not wanted():
        yield
        return
    follower = asyncio.create_task(_follow(context, run_id, after))
    try:
        yield
    finally:
        await asyncio.sleep(EVERY)  # what came last is told too
        follower.cancel()
        with suppress(asyncio.CancelledError):
            await follower


async def _follow(context: Context, run_id: str, after: int) -> None:
    while True:
        for event in await context.store.read(f"run:{run_id}", after):
            after = event.seq
            for line in lines(event):
                click.echo(line, err=True)
        await asyncio.sleep(EVERY)


def lines(event: Event, room: int = 0) -> list[str]:
    """What is told of one event; nothing of most. No line is longer than ``room``, the window's width if it is 0."""
    data, room = event.data, room or min(width(), 140)
    if event.kind == "statement.output":
        return [cut(f"    │ {safe(line)}", room) for line in str(data["text"]).splitlines()]
    if event.kind in ("statement.finished", "statement.skipped"):
        return _statement(data, room)
    if event.kind not in TOLD:
        return []
    word, look = TOLD[event.kind]
    said = wrapped("  " + " " * 11, safe(_said(event.kind, data)), room)
    label = painted(f"{word:<10}", look, err=True)
    return [f"  {label} {line[13:]}" if n == 0 else line for n, line in enumerate(said)]


def _statement(data: Mapping[str, object], room: int) -> list[str]:
    mark, look = MARKS.get(str(data.get("status", "skipped")), ("?", "dim"))
    text = next(iter(str(data.get("text") or data.get("title") or "").splitlines()), "")
    summary = safe(str(data.get("summary") or data.get("reason") or ""))
    beside = 7 + len(summary) if len(summary) < room // 3 else 5
    first = cut(safe(text), room - beside)
    if beside == 5 and summary:
        below = [painted(line, "dim", err=True) for line in wrapped("      ", summary, room)]
        return [f"  {painted(mark, look, err=True)} {first}", *below]
    return [f"  {painted(mark, look, err=True)} {first}  {painted(summary, 'dim', err=True)}".rstrip()]


def _said(kind: str, data: Mapping[str, Any]) -> str:
    match kind:
        case "diagnosis.made":
            return "; ".join(f"{c['code']}: {c['summary']}" for c in data["causes"]) or "no cause found"
        case "approval.requested":
            return str(data["option"].get("title", "")) if isinstance(data["option"], Mapping) else str(data["option"])
        case "approval.granted":
            return str(data.get("title") or data.get("option"))
        case "change.intended":
            return str(data.get("command", {}).get("text") or data.get("item"))
        case "verification.done":
            return f"{data['verdict']}: {data['summary']}"
    return str(data.get("question") or data.get("summary") or data.get("option"))


def safe(text: str) -> str:
    """Text that no terminal takes for a command: control characters are shown as such.

    >>> safe("a\\x1b[2Jb")
    'a�[2Jb'
    """
    return "".join(c if c.isprintable() or c == "\t" else "\N{REPLACEMENT CHARACTER}" for c in text)
