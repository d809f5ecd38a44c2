"""A run in words: what it saw, what it offers and did, and the command that goes on."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hutch.cli.paint import painted, width
from hutch.commands.views import state_of
from hutch.model.event import Event
from hutch.model.program import Item
from hutch.model.run import Chosen, Run
from hutch.runbook.visible import visible

SHOWN = 12
"""Lines of one read's output that are shown of a whole run; of a step that somebody asked for, all are."""

NARROWEST, WIDEST = 60, 140
MARKS = {"passed": ("✓", "read"), "failed": ("✗", "error"), "refused": ("–", "dim"), "skipped": ("–", "dim")}


def described(run: Run, journal: Sequence[Event]) -> str:
    """All of it, as wide as the window."""
    return "\n".join(_lines(run, journal, min(max(width(), NARROWEST), WIDEST)))


def _lines(run: Run, journal: Sequence[Event], room: int) -> Iterator[str]:
    yield painted(visible(f"{run.id}  {run.title}"), "title")
    yield f"  {run.service}, {run.mode}: {state_of(run)}"
    if run.summary:
        yield from _wrapped("  ", run.summary, room)
    for cause in run.causes:
        yield from _wrapped("  ", f"cause {cause['code']}: {cause['summary']}", room)
    yield from _headed("saw", _seen(run, journal, room))
    yield from _headed("offers" if not run.program.asked else "asked for", _offers(run, room))
    yield from _headed("does not offer", _not_offered(run, room))
    yield from _headed("left alone", _alone(run, room))
    yield from _next(run)


def _headed(title: str, lines: Iterator[str]) -> Iterator[str]:
    first = next(lines, None)
    if first is not None:
        yield ""
        yield painted(title, "title")
        yield first
        yield from lines


# ------------------------------------------------------------------ what it saw


@dataclass(frozen=True, slots=True)
class Look:
    """One read with what came of it."""

    line: int
    text: str
    status: str
    summary: str
    output: str


def _looks(journal: Sequence[Event]) -> list[Look]:
    """Each read once, as it was seen last, in the document's order."""
    kinds = ("statement.finished", "statement.skipped")
    found = {str(e.data["item"]): e.data for e in journal if e.kind in kinds}
    made = [
        Look(
            int(str(d.get("line") or 0)),
            str(d.get("text") or d.get("title") or ""),
            str(d.get("status") or "skipped"),
            str(d.get("summary") or d.get("reason") or ""),
            str(d.get("output") or ""),
        )
        for d in found.values()
    ]
    return sorted(made, key=lambda look: look.line)


def _seen(run: Run, journal: Sequence[Event], room: int) -> Iterator[str]:
    for look in _looks(journal):
        mark, style = MARKS.get(look.status, ("?", "dim"))
        yield f"{look.line:>5} {painted(mark, style)} {_one_line(look.text, room - 8)}"
        first = next(iter(look.output.strip().splitlines()), "")
        if look.summary and look.summary.strip() != first.strip():
            yield from _wrapped(" " * 8, look.summary, room, "dim")
        yield from _output(look.output, room, whole=run.program.asked)


def _output(output: str, room: int, *, whole: bool) -> Iterator[str]:
    lines = output.rstrip("\n").splitlines()
    shown = lines if whole else lines[:SHOWN]
    for line in shown:
        said = visible(line.replace("\t", "    "))
        yield f"        │ {said if whole else _cut(said, room - 10)}".rstrip()
    if len(lines) > len(shown):
        yield painted(f"        │ … {len(lines) - len(shown)} more lines", "dim")


def _alone(run: Run, room: int) -> Iterator[str]:
    for item in run.program.reads:
        if item.manual and item.id not in run.read:
            yield from _entry(item, "a person does this", room)
    for item in run.program.skipped:
        yield from _entry(item, item.refused, room)


def _entry(item: Item, why: str, room: int) -> Iterator[str]:
    yield f"{item.line:>5}   {_one_line(item.manual or item.command.text, room - 8)}"
    yield from _wrapped(" " * 8, why, room, "dim")


# ------------------------------------------------------------------ what it offers and did


def _offers(run: Run, room: int) -> Iterator[str]:
    for number, chosen in enumerate(run.chosen, 1):
        yield from _offer(number, chosen, room)


def _offer(number: int, chosen: Chosen, room: int) -> Iterator[str]:
    option = chosen.option
    effect = option.effect.word
    yield f"{number:>5}. {painted(visible(option.title), 'title')}  {painted(effect, effect)}, {chosen.state}"
    for item in option.items:
        yield from _said("by hand" if item.manual else "runs", item.command.text, room)
    for reason in option.left_out:
        yield from _said("without", reason, room)
    yield from _said("on", chosen.target, room)
    yield from _said("hits", str(chosen.preview.get("summary", "")), room)
    yield from _said("undo", str(chosen.preview.get("undo") or ""), room)
    yield from _said("because", chosen.reason or option.why, room)
    yield from _said("id", option.id, room)


def _said(word: str, text: str, room: int) -> Iterator[str]:
    """A word and what it says; lines of a statement stay lines."""
    for number, part in enumerate(text.splitlines() if text.strip() else []):
        yield from _wrapped(f"       {word if not number else '':<8} ", part, room)


def _not_offered(run: Run, room: int) -> Iterator[str]:
    """In the document's order, each with the reason, and how to give what it leaves open."""
    order = {option.title: number for number, option in enumerate(run.program.options)}
    for title, reason in sorted(run.left_out, key=lambda pair: order.get(pair[0], len(order))):
        yield f"        {_one_line(title, room - 8)}"
        yield from _wrapped(" " * 10, reason, room, "dim")
    if run.left_out and run.mode == "dry-run":
        yield from _wrapped(" " * 8, "(--set NAME=VALUE gives an action what it leaves open)", room, "dim")


def _next(run: Run) -> Iterator[str]:
    """The command that goes on, where the run waits for a person."""
    if run.waiting == "approval":
        first = next((c for c in run.chosen if c.state == "offered"), run.chosen[0]).option
        chosen = first.number or first.id
        yield ""
        yield f"Approve:  hutch runs approve {run.id} --option {chosen}"
        yield f"Decline:  hutch runs deny {run.id} --option {chosen} --reason '…'"
    if run.waiting == "tick":
        waits = next((c.next for c in run.chosen if c.state == "approved" and c.next), None) or run.unticked[0]
        yield ""
        yield "Do this, then tick it off:"
        yield from (f"  {visible(line)}" for line in waits.manual.splitlines())
        yield ""
        yield f"Done:       hutch runs tick {run.id} --note '…'"
        yield f"Could not:  hutch runs tick {run.id} --could-not --note '…'"
    if run.waiting == "decision":
        yield ""
        yield f"Say what you see:  hutch runs decide {run.id} worked|failed --note '…'"


# ------------------------------------------------------------------ lines


def _wrapped(lead: str, text: str, room: int, look: str = "") -> Iterator[str]:
    said = visible(" ".join(text.split()))
    rest = " " * len(lead)
    lines = textwrap.wrap(said, max(20, room - len(lead)), break_on_hyphens=False) or [""]
    for number, line in enumerate(lines):
        yield (lead if not number else rest) + (painted(line, look) if look else line)


def _one_line(text: str, room: int) -> str:
    return _cut(visible(" ".join(text.split())), room)


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: max(1, room - 1)]}…"
