"""The steps of a run as its journal tells them: what ran, how it ended, what it said, what it says now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from hutch.model.event import Event
from hutch.model.program import Item
from hutch.model.run import Run
from hutch.review.reading import many, number, part, text
from hutch.web.present.words import Moment, block, line, moment, took

ENDS = {
    "change.done": "done",
    "change.failed": "failed",
    "change.unknown": "unknown",
    "change.skipped": "skipped",
    "step.ticked": "done",
}

WORDS = {
    "waiting": "not yet run",
    "running": "running",
    "passed": "passed",
    "failed": "failed",
    "refused": "not run",
    "skipped": "not needed",
    "done": "done",
    "unknown": "outcome unknown",
}
"""Every status of a step, and how it is said."""

TAIL = 20_000
"""Characters of output that a page shows: the end."""


@dataclass(frozen=True, slots=True)
class Step:
    """One statement of a run. ``key`` is unique on the page; ``started`` is set while it runs."""

    key: str
    title: str
    text: str
    target: str
    effect: str
    status: str = "waiting"
    summary: str = ""
    output: str = ""
    took: str = ""
    started: Moment | None = None
    evidence: tuple[str, ...] = ()
    item: str = ""
    kept: str = ""  # how much of its output is kept on disk; empty where nothing more than is shown

    @property
    def word(self) -> str:
        """Its status in words."""
        return WORDS[self.status]


def reads(run: Run, journal: Sequence[Event], now: datetime) -> tuple[Step, ...]:
    """The run's own reads, in the order of the document; those that could not be made ready last, with the reason."""
    shown = [_read(item, _of(journal, item.id), now) for item in run.program.reads if not item.manual]
    return (*shown, *(replace(_step(i), status="refused", summary=line(i.refused)) for i in run.program.skipped))


def _of(journal: Sequence[Event], item: str) -> list[Event]:
    return [e for e in journal if e.data.get("item") == item and e.kind.startswith("statement.")]


def _step(item: Item) -> Step:
    command = item.command
    text, target = block(command.text), line(command.target)
    return Step(item.id, line(item.title), text, target, command.effect.word, item=item.id)


def _read(item: Item, events: list[Event], now: datetime) -> Step:
    step = _step(item)
    for event in events:
        if event.kind == "statement.started":
            step = replace(step, status="running", started=moment(event.at, now), output="")
        elif event.kind == "statement.output" and step.status == "running":
            step = _heard(step, event)
        elif event.kind in ("statement.finished", "statement.skipped"):
            status = text(event.data, "status", "failed")
            step = _ended(step, event, status if status in WORDS else "failed")
    return step


def changes(run: Run, journal: Iterable[Event], now: datetime) -> tuple[Step, ...]:
    """What was done to the service, oldest first; a step that was tried twice stands twice."""
    items = {i.id: i for c in run.chosen for i in c.option.items}
    titles = {c.option.id: line(c.option.title) for c in run.chosen}
    found: list[Step] = []
    current: dict[str, int] = {}
    for event in journal:
        item = items.get(text(event.data, "item"))
        if event.kind == "change.intended" and item:
            current[item.id] = len(found)
            found.append(_begun(item, event, titles, len(found), now))
        elif item and item.id in current:
            found[current[item.id]] = _went_on(found[current[item.id]], event)
        elif event.kind in ENDS and item:
            status = "failed" if event.data.get("done") is False else ENDS[event.kind]
            found.append(_ended(replace(_step(item), key=f"change-{len(found)}"), event, status))
    return tuple(found)


def _begun(item: Item, event: Event, titles: dict[str, str], place: int, now: datetime) -> Step:
    title = titles.get(text(event.data, "option"), line(item.title))
    return replace(_step(item), key=f"change-{place}", title=title, status="running", started=moment(event.at, now))


def _went_on(step: Step, event: Event) -> Step:
    if event.kind == "statement.output" and step.status == "running":
        return _heard(step, event)
    return _ended(step, event, ENDS[event.kind]) if event.kind in ENDS else step


def _heard(step: Step, event: Event) -> Step:
    return replace(step, output=(step.output + block(event.data.get("text", "")))[-TAIL:])


def _ended(step: Step, event: Event, status: str) -> Step:
    output = block(event.data.get("output") or "") or step.output
    return replace(
        step,
        status=status,
        started=None,
        summary=line(event.data.get("summary", event.data.get("note", ""))),
        output=output[-TAIL:].strip("\n"),
        took=took(number(event.data, "seconds")),
        kept=_kept(number(event.data, "kept"), output),
    )


def _kept(size: float | None, output: str) -> str:
    """``34 kB`` where the disk holds more than the page shows."""
    shown = len(output[-TAIL:].encode())
    if not size or size <= shown + 2:
        return ""
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{max(1, round(size / 1000))} kB"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What verification last said of a remedy."""

    verdict: str
    summary: str
    evidence: tuple[str, ...]


def verdicts(journal: Iterable[Event]) -> dict[str, Verdict]:
    """The latest word on each remedy, by its id."""
    return {
        text(e.data, "option"): Verdict(
            text(e.data, "verdict"), line(e.data.get("summary", "")), tuple(line(x) for x in many(e.data, "evidence"))
        )
        for e in journal
        if e.kind == "verification.done"
    }


def undone(journal: Iterable[Event]) -> dict[str, str]:
    """How each applied remedy is taken back, by its id, as far as the provider said."""
    said = {text(e.data, "option"): text(part(e.data, "undo"), "action") for e in journal if e.kind == "change.done"}
    return {option: action for option, action in said.items() if action}
