"""What became of each statement, read from the journals of runs. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hutch.model.event import Event
from hutch.model.program import Item
from hutch.model.run import Run

PASSED, DONE, FAILED, UNKNOWN = "passed", "done", "failed", "unknown"
BY_HAND, NOT_NEEDED, NOT_OFFERED, REFUSED = "by hand", "not needed", "not offered", "refused"
NOT_PLAYED = "not played"
RANK = (DONE, PASSED, BY_HAND, FAILED, UNKNOWN, NOT_NEEDED, NOT_OFFERED, REFUSED, NOT_PLAYED)
"""Every status, the best first."""

RAN = frozenset({DONE, PASSED, FAILED, UNKNOWN})
"""What was sent to its target."""

FINISHED = {
    "statement.finished": "",
    "statement.skipped": NOT_NEEDED,
    "change.done": DONE,
    "change.failed": FAILED,
    "change.unknown": UNKNOWN,
}
SAID_MOST = 300
"""Characters of what was seen that are kept."""


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a statement in one scene. ``by`` is what a person did, ``ran_as`` what was sent in its place and
    where, ``asked`` whether it was asked for by itself, and not a part of the chapter's own run."""

    status: str
    seen: str = ""
    ran_as: str = ""
    by: str = ""
    asked: bool = False


def told(run: Run, events: Sequence[Event], *, asked: bool) -> dict[str, Told]:
    """By a statement's id what the run did with it; of what it left alone the reason."""
    known = {item.id: item for item in _items(run)}
    found = {i.id: Told(REFUSED, i.refused, _as(i), "", asked) for i in run.program.skipped}
    people = _people(events)
    for event in events:
        one = _one(event, known, people, asked)
        if one:
            found[one[0]] = one[1]
    return found


def _one(event: Event, known: Mapping[str, Item], people: Mapping[str, str], asked: bool) -> tuple[str, Told] | None:
    data: Mapping[str, Any] = event.data
    item = known.get(str(data.get("item", "")))
    if item is None:
        return None
    if event.kind == "step.ticked":
        status = BY_HAND if data["done"] else FAILED
        return item.id, Told(status, _short(data["note"]), _as(item), f"{event.actor} ticked it off", asked)
    if event.kind not in FINISHED:
        return None
    status = FINISHED[event.kind] or str(data["status"])
    return item.id, Told(
        status, _short(data.get("summary", "")), _as(item), people.get(str(data.get("option")), ""), asked
    )


def _people(events: Iterable[Event]) -> dict[str, str]:
    """By option who approved it."""
    given = [e for e in events if e.kind == "approval.granted"]
    return {str(e.data["option"]): f"{e.actor} approved it" for e in given}


def _items(run: Run) -> Iterable[Item]:
    yield from run.program.items
    for chosen in run.chosen:
        yield from chosen.option.items


def _as(item: Item) -> str:
    where = f" on {item.command.target}" if item.command.target else ""
    return _short(f"{item.command.text}{where}")


def _short(text: object) -> str:
    flat = " ".join(str(text).split())
    return flat if len(flat) <= SAID_MOST else f"{flat[:SAID_MOST]}…"


def left_out(run: Run) -> str:
    """Why a run that was asked for offers nothing; empty where it offers something."""
    return "; ".join(_short(reason) for _, reason in run.left_out)


def best(tried: Iterable[Told]) -> Told:
    """Of what became of a statement in several scenes the one that tells most for it."""
    return min(tried, key=lambda one: RANK.index(one.status))
