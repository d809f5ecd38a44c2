"""What a driver works with, and how it writes to a run's journal."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from hutch.engine import stages
from hutch.engine.live import listening
from hutch.model.action import Outcome
from hutch.model.approval import Terms
from hutch.model.event import Draft
from hutch.model.journal import fold
from hutch.model.program import Item, Option
from hutch.model.run import Run
from hutch.ports import Append, Job, Outputs, Store, StoreAway, StoreFull, Wallclock, World

FOLLOWED = frozenset({"diagnosis.made", "approval.granted", "change.intended", "run.finished"})
"""Journal events that the run's incident has to hear of."""

Ours = Callable[[], Awaitable[bool]]


async def always() -> bool:
    """The answer where nobody can take a run over."""
    return True


async def anybody(_run: Run, _option: Option, _first: bool) -> Terms:
    """One person, whoever it is."""
    return Terms()


@dataclass(frozen=True, slots=True)
class Means:
    """``met`` judges an expectation (None: cannot be judged), ``mask`` hides secrets.

    ``approval_for`` is how long an approval is waited for; ``terms`` says what an option asks for, told whether it is
    the first one offered. ``outputs`` keeps what commands say; None keeps nothing but the end in the journal.
    """

    store: Store
    clock: Wallclock
    world: Callable[[Run], Awaitable[World]]
    guards: stages.Guards
    met: Callable[[str, Outcome], bool | None]
    mask: Callable[[str], str]
    approval_for: timedelta = timedelta(hours=1)
    terms: Callable[[Run, Option, bool], Awaitable[Terms]] = anybody
    outputs: Outputs | None = None

    async def load(self, run_id: str) -> Run:
        """The run as it stands."""
        run = fold(await self.store.read(f"run:{run_id}"))
        if run is None:
            raise LookupError(f"no run {run_id}")
        return run

    async def append(self, run: Run, *drafts: Draft, fenced: bool = False) -> None:
        """Append to the journal; ``fenced``: only if nothing was appended since ``run`` was read."""
        jobs = [follow_job(run)] if run.incident and any(d.kind in FOLLOWED for d in drafts) else []
        append = Append(run.stream, tuple(drafts), run.seq if fenced else None)
        await self.store.commit([append], jobs)

    @asynccontextmanager
    async def listening(self, run: Run, item: Item) -> AsyncIterator[dict[str, object]]:
        """While the block lasts, what the command of ``item`` says goes to the journal and to the disk; afterwards the
        journal's word of what is kept. Of a command that gives a secret nothing is heard."""
        told: dict[str, object] = {}
        if item.captures and item.command.sensitive:
            yield told
            return
        keep = self.outputs.open(run.id, item.id) if self.outputs else None
        async with listening(self.mask, lambda text: self.heard(run, item, text), keep):
            yield told
        if keep and keep.kept:
            told["kept"] = keep.kept

    async def heard(self, run: Run, item: Item, text: str) -> None:
        """A piece of live output; a full disk costs only that."""
        with suppress(StoreFull, StoreAway):
            await self.append(run, Draft("statement.output", {"item": item.id, "text": text}))


def drive_job(run_id: str, at: datetime | None = None) -> Job:
    """Wakes a run, now or at ``at``; a timer replaces the run's earlier timer."""
    return Job("drive", f"run:{run_id}", at, {"run": run_id}, unique="timer" if at else "")


def follow_job(run: Run) -> Job:
    """Tells a run's incident what the run found and did."""
    return Job("follow", f"incident:{run.incident}", None, {"incident": run.incident, "run": run.id})
