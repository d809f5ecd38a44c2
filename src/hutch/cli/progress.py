"""What a run does while it is driven, line by line on stderr; stdout is for the result."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

import click

from hutch.commands.context import Context
from hutch.model.event import Event

EVERY = 0.2
"""Seconds between two looks at the journal."""

MARKS = {"passed": ("✓", "green"), "failed": ("✗", "red"), "refused": ("–", "yellow")}

SHOWN = frozenset(
    {"diagnosis.made", "approval.requested", "approval.granted", "change.intended", "change.done", "change.failed",
     "change.unknown", "verification.done", "decision.needed"}
)  # fmt: skip
"""Kinds of which one line is told; the rest is in the result."""


def wanted() -> bool:
    """Only where somebody looks."""
    return sys.stderr.isatty()


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


def lines(event: Event) -> list[str]:
    """What is told of one event; nothing of most."""
    data = event.data
    if event.kind == "statement.output":
        return [f"    │ {safe(line)}" for line in str(data["text"]).splitlines()]
    if event.kind == "statement.finished":
        mark, colour = MARKS.get(str(data["status"]), ("?", "yellow"))
        first = str(data["text"]).splitlines()[0] if data["text"] else ""
        return [f"  {click.style(mark, fg=colour)} {safe(first)[:80]}  {safe(str(data['summary']))}"]
    return [f"  {_words(event.kind, data)}"] if event.kind in SHOWN else []


def _words(kind: str, data: Mapping[str, object]) -> str:
    if kind == "diagnosis.made":
        causes: list[Mapping[str, object]] = data["causes"]  # type: ignore[assignment]
        said = "; ".join(f"{c['code']}: {c['summary']}" for c in causes) or "no cause found"
        return f"diagnosed: {safe(said)}"
    what = data.get("summary") or data.get("question") or data.get("title") or data.get("option")
    if isinstance(what, Mapping):
        what = what.get("title", "")
    return f"{kind.replace('.', ' ')}: {safe(str(what))}"


def safe(text: str) -> str:
    """Text that no terminal takes for a command: control characters are shown as such.

    >>> safe("a\\x1b[2Jb")
    'a�[2Jb'
    """
    return "".join(c if c.isprintable() or c == "\t" else "\N{REPLACEMENT CHARACTER}" for c in text)
