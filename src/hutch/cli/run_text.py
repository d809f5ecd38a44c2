"""A run in words: what it saw, what it offers and did, and the command that goes on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hutch.cli.lines import cut, one_line, wrapped
from hutch.cli.paint import painted, width
from hutch.cli.run_left import how_to_go_on, left_alone, short
from hutch.commands.views import state_of
from hutch.model.event import Event
from hutch.model.program import Item
from hutch.model.run import Chosen, Run
from hutch.runbook.visible import visible

SHOWN = 12
"""Lines of one read's output that are shown of a whole run; of a step that somebody asked for, all are."""

TARGETS = frozenset({"sql", "psql", "redis-cli", "valkey-cli"})
"""Runners that go to the service's own target, whatever the statement names."""

NARROWEST, WIDEST = 60, 140
MARKS = {"passed": ("✓", "read"), "failed": ("✗", "error"), "refused": ("–", "dim"), "skipped": ("–", "dim")}


def described(run: Run, journal: Sequence[Event], *, told: bool = False) -> str:
    """All of it, as wide as the window. ``told``: what it saw was shown already while it ran."""
    return "\n".join(_lines(run, journal, min(max(width(), NARROWEST), WIDEST), told))


def _lines(run: Run, journal: Sequence[Event], room: int, told: bool) -> Iterator[str]:
    yield painted(visible(f"{run.id}  {run.title}"), "title")
    yield f"  {run.service}, {run.mode}: {state_of(run)}"
    if run.summary:
        yield from wrapped("  ", run.summary, room)
    for cause in run.causes:
        yield from wrapped("  ", f"cause {cause['code']}: {cause['summary']}", room)
    yield from _headed("saw", _seen(run, journal, room, told))
    yield from _headed("offers" if not run.program.asked else "asked for", _offers(run, room))
    yield from _headed("does not offer", _not_offered(run, room))
    yield from _headed("left alone", left_alone(run, room))
    yield from _headed("to run more of it", how_to_go_on(run, room))
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

    id: str
    line: int
    text: str
    status: str
    summary: str
    output: str
    kept: int  # bytes of it that are on the disk


def _looks(journal: Sequence[Event]) -> list[Look]:
    """Each read once, as it was seen last, in the document's order."""
    kinds = ("statement.finished", "statement.skipped")
    found = {str(e.data["item"]): e.data for e in journal if e.kind in kinds}
    made = [
        Look(
            str(d["item"]),
            int(str(d.get("line") or 0)),
            str(d.get("text") or d.get("title") or ""),
            str(d.get("status") or "skipped"),
            str(d.get("summary") or d.get("reason") or ""),
            str(d.get("output") or ""),
            int(str(d.get("kept") or 0)),
        )
        for d in found.values()
    ]
    return sorted(made, key=lambda look: look.line)


def _seen(run: Run, journal: Sequence[Event], room: int, told: bool) -> Iterator[str]:
    items = {i.id: i for i in run.program.items}
    heard = {str(e.data["item"]) for e in journal if e.kind == "statement.output"} if told else set()
    for look in _looks(journal):
        mark, style = MARKS.get(look.status, ("?", "dim"))
        yield f"{look.line:>5} {painted(mark, style)} {one_line(look.text, room - 8)}"
        yield from origins(items.get(look.id), " " * 8, room)
        yield from _reached(items.get(look.id), room)
        first = next(iter(look.output.strip().splitlines()), "")
        if look.summary and look.summary.strip() != first.strip():
            yield from wrapped(" " * 8, look.summary, room, "dim")
        if look.id not in heard:
            yield from _output(look.output, room, whole=run.program.asked)
        if look.kept > len(look.output) + 1000:
            yield painted(f"        │ all of it: hutch runs output {run.id} {look.line}", "dim")


def _output(output: str, room: int, *, whole: bool) -> Iterator[str]:
    lines = output.rstrip("\n").splitlines()
    shown = lines if whole else lines[:SHOWN]
    for line in shown:
        said = visible(line.replace("\t", "    "))
        yield f"        │ {said if whole else cut(said, room - 10)}".rstrip()
    if len(lines) > len(shown):
        yield painted(f"        │ … {len(lines) - len(shown)} more lines", "dim")


def _reached(item: Item | None, room: int) -> Iterator[str]:
    """The target, where the statement does not say it itself."""
    if item and item.command.runner in TARGETS:
        yield from wrapped(" " * 8 + "on    ", item.command.target, room, "dim")


def origins(item: Item | None, lead: str, room: int) -> Iterator[str]:
    """Where its values came from, and what its names stand for here."""
    for one in item.values if item else ():
        if one.source:
            yield from wrapped(f"{lead}with  ", f"{one.text} = {one.value}  ({one.source})", room, "dim")
        elif item and one.name in item.needs:
            yield from wrapped(f"{lead}with  ", f"{one.text} from an earlier step", room, "dim")
    for stands in item.stands if item else ():
        yield from wrapped(f"{lead}where ", stands, room, "dim")


# ------------------------------------------------------------------ what it offers and did


def _offers(run: Run, room: int) -> Iterator[str]:
    """The best first, each by the number that ``--option`` takes: the document's, which ranking leaves alone."""
    for chosen in run.chosen:
        called = run.called(chosen.option)
        yield from _offer(f"{called}." if called.isdecimal() else "-", chosen, room)


def _offer(lead: str, chosen: Chosen, room: int) -> Iterator[str]:
    option = chosen.option
    effect = option.effect.word
    for n, line in enumerate(wrapped(f"{lead:>6} ", option.title, room)):
        yield line[:7] + painted(line[7:], "title") if n == 0 else painted(line, "title")
    yield f"       effect   {painted(effect, effect)}, {chosen.state}"
    for item in option.items:
        yield from _said("by hand" if item.manual else "runs", item.command.text, room)
        yield from origins(item, " " * 16, room)
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
        yield from wrapped(f"       {word if not number else '':<8} ", part, room)


def _not_offered(run: Run, room: int) -> Iterator[str]:
    """In the document's order, each with the reason, and how to give what it leaves open."""
    order = {option.title: number for number, option in enumerate(run.program.options)}
    for title, reason in sorted(run.left_out, key=lambda pair: order.get(pair[0], len(order))):
        yield f"        {one_line(title, room - 8)}"
        yield from wrapped(" " * 10, short(reason), room, "dim")


def _next(run: Run) -> Iterator[str]:
    """The command that goes on, where the run waits for a person."""
    if run.waiting == "approval":
        first = next((c for c in run.chosen if c.state == "offered"), run.chosen[0]).option
        chosen = run.called(first)
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
