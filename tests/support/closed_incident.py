"""An incident that is over, as archives take it."""

from __future__ import annotations

from typing import Any

from hutch.commands import incidents, runs
from hutch.commands.context import Context
from hutch.model.event import Draft
from hutch.model.program import Program
from hutch.model.severity import Severity
from hutch.ports import Append

PERSON = "Wilhelmina Zauberfrau"


async def closed(context: Context, title: str = "Slow", *, owing: bool = False, **more: Any) -> str:
    """A resolved incident with a run, that owes nothing any more."""
    state = await incidents.declare(
        context, title=title, service="shop", severity=Severity.SEV2, actor="olivia", respond=False, **more
    )
    await incidents.note(context, state.id, f"{PERSON} called", "olivia")
    run = await runs.start(context, service="shop", title="look", made_from=runs.MadeFrom(), program=Program(()),
                           incident=state.id)  # fmt: skip
    end = Draft("run.finished", {"outcome": "succeeded", "summary": ""})
    await context.store.commit([Append(f"run:{run.id}", (end,))])
    await incidents.resolve(context, state.id, "it was the cache", "olivia")
    context.clock.advance(3600)  # type: ignore[attr-defined]
    await incidents.end_watch(context, state.id)
    if not owing:
        await incidents.change(context, state.id, lambda s: [
            Draft("clock.cancelled", {"clock": c.id, "why": "done"}) for c in s.clocks if c.state.value == "running"
        ])  # fmt: skip
    return state.id
