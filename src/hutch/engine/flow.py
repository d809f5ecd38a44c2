"""Whether a statement may run yet, by what its document says of it: captured values and ``hutch.when``. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from hutch.model.program import Item
from hutch.model.run import Chosen, Run
from hutch.runbook import when
from hutch.runbook.errors import RunbookError

HIDDEN = "holds a secret, which no statement may carry: use a typed action that makes and places it"


class Now(StrEnum):
    """What is to be done with a statement."""

    RUN = "run"
    RENDER = "render"  # its captured values are there: put them in
    WAIT = "wait"  # for a step that may still give a value
    SKIP = "skip"  # its condition does not hold
    FAIL = "fail"  # it can never run: a value that it needs was not given


@dataclass(frozen=True, slots=True)
class Ruling:
    """What is to be done, and why."""

    now: Now
    reason: str = ""


def ruling(item: Item, run: Run, coming: frozenset[str] = frozenset()) -> Ruling:
    """What is to be done with ``item``; ``coming`` are the values that a step still to run may give."""
    if item.refused:
        return Ruling(Now.FAIL, item.refused)
    try:
        condition = when.parse(item.when, item.line) if item.when else None
        asked = when.names(condition) if condition else frozenset()
        if coming & {n for n in (*item.needs, *asked) if n not in run.known}:
            return Ruling(Now.WAIT)
        if condition and not when.holds(condition, run.known):
            return Ruling(Now.SKIP, f"not needed: {item.when} does not hold ({_told(asked, run)})")
    except RunbookError as error:
        return Ruling(Now.FAIL, error.message)
    return _needs(item, run)


def _needs(item: Item, run: Run) -> Ruling:
    for name in item.needs:
        if name in run.secret:
            return Ruling(Now.FAIL, f"[{name}] {HIDDEN}")
        if name not in run.captured:
            return Ruling(Now.FAIL, f"[{name}] has no value: the step that captures it gave none")
    return Ruling(Now.RENDER if item.needs else Now.RUN)


def _told(names: Iterable[str], run: Run) -> str:
    return ", ".join(f"{name} is {run.known[name]!r}" for name in sorted(names) if name in run.known)


def coming(run: Run) -> frozenset[str]:
    """The values that statements of the reading part, or ticks of it, may still give."""
    return frozenset(c.name for i in run.program.reads if i.id not in run.read and not i.refused for c in i.captures)


def rendered(run: Run) -> tuple[Item, ...]:
    """Statements outside the reading part that waited for captured values, all of which are there now."""
    looking = {i.id for i in run.program.reads}
    later = (*run.program.items, *(i for c in run.chosen for i in c.option.items))
    able = {i.id: i for i in later if i.id not in looking and i.needs and not set(i.needs) - set(run.captured)}
    return tuple(i for i in able.values() if not set(i.needs) & run.secret)


def next_of(chosen: Chosen, run: Run) -> tuple[Item, Ruling] | None:
    """The next statement of an approved option, and what is to be done with it; None when each has an outcome."""
    item = chosen.next
    return (item, ruling(item, run)) if item else None
