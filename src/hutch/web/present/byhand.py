"""What of a run is a person's: steps done by hand, values that steps gave, and the ways back from what was done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hutch.model.event import Event
from hutch.model.program import Item
from hutch.model.run import ChangeState, Chosen, Run
from hutch.review.reading import part, text
from hutch.web.present.words import block, line

WORDS = {"open": "to be done", "passed": "done", "failed": "could not be done", "skipped": "not needed"}


@dataclass(frozen=True, slots=True)
class Manual:
    """A step that a person does and ticks off. ``gives`` names the values that are taken from the note; ``state`` is
    open, passed, failed or skipped; ``note`` is what was written, and by whom."""

    id: str
    title: str
    text: str
    state: str
    note: str
    by: str
    gives: tuple[str, ...]

    @property
    def word(self) -> str:
        """Its state in words."""
        return WORDS.get(self.state, self.state)


@dataclass(frozen=True, slots=True)
class Value:
    """A value that a step gave; a secret's is not kept."""

    name: str
    value: str
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Back:
    """Whether what an option did can be undone now: ``able``; ``run`` is the one that does so already."""

    able: bool = False
    run: str = ""


def manuals(run: Run, journal: Sequence[Event]) -> tuple[Manual, ...]:
    """What a person does while looking, in the order of the document."""
    ticks = {text(e.data, "item"): e for e in journal if e.kind == "step.ticked"}
    return tuple(_manual(i, run.read.get(i.id, "open"), ticks.get(i.id)) for i in run.program.reads if i.manual)


def next_manual(chosen: Chosen, run: Run) -> Manual | None:
    """What a person does next in an approved option."""
    item = chosen.next
    ours = item and item.manual and chosen.state is ChangeState.APPROVED and not chosen.unseen and not run.finished
    return _manual(item, "open", None) if item and ours else None


def _manual(item: Item, state: str, tick: Event | None) -> Manual:
    note, by = (block(tick.data.get("note", "")), line(tick.actor)) if tick else ("", "")
    gives = tuple(line(c.name) for c in item.captures)
    return Manual(item.id, line(item.title), block(item.manual), state, note, by, gives)


def values(run: Run) -> tuple[Value, ...]:
    """What steps gave to later ones."""
    known = [Value(line(n), block(v)) for n, v in run.captured.items()]
    return (*known, *(Value(line(n), "", True) for n in sorted(run.secret)))


def back(run: Run, journal: Sequence[Event], option: str) -> Back:
    """The way back from what ``option`` did."""
    begun = next((e for e in journal if e.kind == "undo.started" and text(e.data, "option") == option), None)
    if begun:
        return Back(False, text(begun.data, "run"))
    done = any(e.kind == "change.done" and text(e.data, "option") == option and part(e.data, "undo") for e in journal)
    return Back(done and not run.in_state(ChangeState.INTENDED))
