"""What a statement of a run said: from the disk where it is kept, else the end that the journal holds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hutch.commands.context import CommandError, Context
from hutch.commands.runs import load
from hutch.model.erasure import retold
from hutch.model.event import Event
from hutch.model.program import Item
from hutch.model.run import Run

ENDS = frozenset({"statement.finished", "change.done", "change.failed", "change.unknown"})
"""Kinds of event that tell what came of a statement."""


@dataclass(frozen=True, slots=True)
class Said:
    """A statement's output. ``path`` is its file, None where none is kept; ``over``: nothing more comes."""

    item: Item
    path: Path | None
    end: str  # as the journal has it
    over: bool

    @property
    def text(self) -> str:
        """All that is kept, masked."""
        if self.path is None:
            return self.end
        try:
            return self.path.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            raise CommandError(f"{self.path} cannot be read: {error.strerror}") from error


async def said(context: Context, run_id: str, wanted: str) -> Said:
    """The output of the statement ``wanted``: its id, its line, or its step's id. Raises :class:`CommandError`."""
    run = await load(context, run_id)
    item = _item(run, wanted)
    told = [e for e in retold(await context.store.read(run.stream)) if e.data.get("item") == item.id]
    end = next((str(e.data.get("output", "")) for e in reversed(told) if e.kind in ENDS), "")
    path = context.outputs.path(run_id, item.id) if context.outputs else None
    return Said(item, path if path and path.exists() else None, end, run.finished or _ended(told))


def _ended(told: list[Event]) -> bool:
    last = next((e.kind for e in reversed(told) if e.kind != "statement.output"), "")
    return last in ENDS


def _item(run: Run, wanted: str) -> Item:
    every = (*run.program.items, *(i for c in run.chosen for i in c.option.items))
    items = list({i.id: i for i in every}.values())
    found = [i for i in items if wanted in (i.id, str(i.line))] or [i for i in items if wanted == i.step]
    if len(found) == 1:
        return found[0]
    known = "\n".join(f"  {i.id}  line {i.line}: {i.command.text.splitlines()[0]}" for i in found or items)
    what = "several statements" if found else "no statement"
    raise CommandError(f"run {run.id} has {what} {wanted!r}; there are:\n{known}", 2)
