"""A runbook as the page shows it: its prose, and in place of each step a card that says what it does here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote

from hutch.commands import routing
from hutch.commands.situation import Situation
from hutch.commands.statement import item
from hutch.model.effect import Effect, Verdict
from hutch.model.program import Item
from hutch.model.runbook import READING_ROLES, Filled, OnFailure, Role, Runbook, Section, Statement, Step
from hutch.runbook.bind import AS_IS
from hutch.runbook.errors import RunbookError
from hutch.runbook.expectations import read_comment
from hutch.runbook.show import short_time
from hutch.runbook.values import captured_by, fill
from hutch.runbook.visible import hidden, visible

LONGEST = 20_000
"""Characters of one statement that a page shows; it runs whole, and the page says that there is more."""

PLAIN_ROLES = frozenset({Role.OVERVIEW, Role.REFERENCE, Role.ACTIONS})
"""Roles that say nothing which a reader would miss."""

UNJUDGED = Verdict(Effect.CHANGE, "not classified")

FAILURES = {
    OnFailure.STOP: "",
    OnFailure.CONTINUE: "if it fails, the next step runs all the same",
    OnFailure.NEXT: "if it fails, the next option is offered",
}


@dataclass(frozen=True, slots=True)
class Bound:
    """Something of the outside that a statement names, and what it stands for here; empty where nothing does."""

    kind: str
    name: str
    value: str

    @property
    def itself(self) -> bool:
        """Whether the name means what it says."""
        return self.value == AS_IS


@dataclass(frozen=True, slots=True)
class Said:
    """One statement: exactly what the document says, and what would become of it here.

    ``parts`` is its text, each piece with whether it is a placeholder; ``runs_as`` is what would run, where that
    differs; ``refused`` is why it would not, ``waits`` that it lacks what is marked in ``values`` and ``bounds``.
    """

    id: str
    line: int
    parts: tuple[tuple[str, bool], ...]
    left_out: int
    masked: bool
    comments: tuple[str, ...]
    effect: str
    why: str
    sensitive: bool
    values: tuple[Filled, ...]
    bounds: tuple[Bound, ...]
    expects: tuple[str, ...]
    runs_as: str
    params: tuple[str, ...]
    target: str
    waits: bool
    by_hand: bool
    refused: str

    @property
    def text(self) -> str:
        """All of it that is shown."""
        return "".join(text for text, _ in self.parts)


@dataclass(frozen=True, slots=True)
class Open:
    """What a person must give before a statement can run: ``field`` is its name in the form."""

    field: str
    label: str
    hint: str


@dataclass(frozen=True, slots=True)
class Card:
    """A step. ``flow`` says how it is carried out; ``sub`` and ``leads`` are of a link to a runbook."""

    id: str
    place: int
    name: str
    lang: str
    line: int
    effect: str
    statements: tuple[Said, ...]
    notes: tuple[str, ...]
    flow: tuple[str, ...]
    manual: bool
    text: str
    sub: str
    leads: str
    opens: tuple[Open, ...]
    startable: bool


@dataclass(frozen=True, slots=True)
class Counts:
    """Statements by effect."""

    read: int = 0
    change: int = 0
    destroy: int = 0
    manual: int = 0


@dataclass(frozen=True, slots=True)
class Ready:
    """A statement made ready. ``stops`` are the reasons that a person's answer to ``opens`` does not take away."""

    item: Item
    values: tuple[Filled, ...] = ()
    bounds: tuple[Bound, ...] = ()
    opens: tuple[Open, ...] = ()
    awaits: tuple[Open, ...] = ()  # what an earlier step gives: asked for where this one runs alone
    stops: str = ""


@dataclass(frozen=True, slots=True)
class Survey:
    """A runbook on a service: every statement made ready, by id, and what is open in all. ``mask`` hides secrets."""

    ready: Mapping[str, Ready]
    opens: tuple[Open, ...]
    by_itself: int
    offered: int
    stopped: int
    mask: Callable[[str], str]


def address(name: str, anchor: str = "") -> str:
    """Where the pages show a document or a runbook of it."""
    return f"/runbooks/{quote(name)}" + (f"/{quote(anchor, safe='')}" if anchor else "")


def counts(runbook: Runbook) -> Counts:
    """How many statements of each effect a runbook has."""
    steps = [step for _, step in runbook.steps()]
    words = [(s.verdict or UNJUDGED).effect.word for step in steps if step.runnable for s in step.statements]
    manual = sum(step.flow.manual for step in steps)
    return Counts(words.count("read"), words.count("change"), words.count("destroy"), manual)


def has_card(step: Step) -> bool:
    """Whether a block is more than words: it runs, a person does it, or it leads to a runbook."""
    return step.runnable or step.flow.manual or step.link is not None


def roles(runbook: Runbook) -> dict[int, str]:
    """What a section was taken for, by its line, where its own words do not say it."""
    found = {}
    for section in runbook.sections:
        word = f"option {section.option}" if section.role is Role.OPTION and section.option else section.role.value
        if section.role not in PLAIN_ROLES and section.path[1:] and section.role.value[:6] not in section.title.lower():
            found[section.line] = word
    return found


# ------------------------------------------------------------------ on a service


def survey(runbook: Runbook, situation: Situation, mask: Callable[[str], str]) -> Survey:
    """Every statement of ``runbook`` made ready for a service. Takes time: not for the event loop."""
    captured = {name: visible(step.name) for name, (step, _) in captured_by(s for _, s in runbook.steps()).items()}
    ready: dict[str, Ready] = {}
    for section in runbook.sections:
        within = situation
        for step in section.steps:
            for statement in step.statements if step.runnable else ():
                ready[statement.id] = _ready(step, statement, within, captured)
            within = within.capturing(c.name for c in step.flow.captures)
        situation = within if section.role in READING_ROLES else situation
    items = [r.item for r in ready.values()]
    able = [i.command.effect is Effect.READ for i in items if not i.refused and not i.manual]
    opens = tuple(dict.fromkeys(o for r in ready.values() for o in r.opens))
    stopped = sum(bool(i.refused) for i in items)
    return Survey(ready, opens, sum(able), len(able) - sum(able), stopped, mask)


def _ready(step: Step, statement: Statement, situation: Situation, captured: Mapping[str, str]) -> Ready:
    made = item(step, statement, situation)
    if statement.action or step.lang == "sql":
        values = fill(statement.placeholders, situation.sources)
        opens = tuple(_value(f) for f in values if f"[{f.name}] has no value" in made.refused)
        return Ready(
            made, _later(values, captured), (), opens, _awaits(values, captured), "" if opens else made.refused
        )
    try:
        routed = routing.route(step.lang, statement, statement.verdict or UNJUDGED, situation)
    except RunbookError:  # a value that the statement cannot take: the item says so
        return Ready(made, stops=made.refused)
    texts = {p.name: p.text for p in statement.placeholders}
    return Ready(
        made,
        _later(routed.values, captured),
        tuple(_bounds(routed)),
        tuple(_open(o, texts) for o in routed.open),
        _awaits(routed.values, captured),
        made.refused if made.refused and not routed.open else "; ".join(routed.refused),
    )


def _awaits(values: Iterable[Filled], captured: Mapping[str, str]) -> tuple[Open, ...]:
    return tuple(_value(f) for f in values if not f.source and f.name in captured)


def _value(one: Filled) -> Open:
    return Open(f"value.{one.name}", visible(one.text), "a value")


def _open(one: routing.Open, texts: Mapping[str, str]) -> Open:
    if one.kind == "placeholder":
        return Open(f"value.{one.name}", visible(texts.get(one.name, f"[{one.name}]")), "a value")
    hint = AS_IS if one.kind == "program" else f"what it stands for here, or {AS_IS}"
    return Open(f"bind.{one.name}", visible(f"{one.kind} {one.name}"), hint)


def _later(values: Iterable[Filled], captured: Mapping[str, str]) -> tuple[Filled, ...]:
    """What a step has yet to give says so."""
    return tuple(
        replace(f, source=f"the output of “{captured[f.name]}”") if not f.source and f.name in captured else f
        for f in values
    )


def _bounds(routed: routing.Routed) -> Iterator[Bound]:
    """What it names of the outside, the open names too; a program only where that says something."""
    for one in routed.bound:
        if one.value != AS_IS or one.mention.target.kind != "program":
            yield Bound(one.mention.target.kind, visible(one.mention.target.name), visible(one.value))
    for name in routed.open:
        if name.kind != "placeholder":
            yield Bound(name.kind, visible(name.name), "")


def cards(runbook: Runbook, lines: Iterable[int], seen: Survey | None, lead: Callable[[str], str]) -> dict[int, Card]:
    """The card of each step at one of ``lines``; ``lead`` says where a relative link leads on our pages."""
    wanted = set(lines)
    return {
        step.line: _card(place, section, step, seen, _leads(step, lead))
        for place, (section, step) in enumerate(runbook.steps(), 1)
        if step.line in wanted
    }


def _leads(step: Step, lead: Callable[[str], str]) -> str:
    return lead(f"{step.link.document}#{step.link.anchor}".removesuffix("#")) if step.link else ""


def _card(place: int, section: Section, step: Step, seen: Survey | None, leads: str) -> Card:
    made = [seen.ready[s.id] for s in step.statements if s.id in seen.ready] if seen else []
    effect = max((r.item.command.effect for r in made), default=step.effect)
    return Card(
        id=step.id,
        place=place,
        name=visible(step.name or section.title),
        lang=visible(step.lang),
        line=step.line,
        effect=effect.word,
        statements=tuple(_said(s, seen) for s in step.statements),
        notes=tuple(visible(n) for n in step.notes),
        flow=tuple(_flow(step)),
        manual=step.flow.manual,
        text=visible(step.text[:LONGEST]).rstrip("\n"),
        sub=visible(step.name) if step.link else "",
        leads=leads,
        opens=tuple(dict.fromkeys(o for r in made for o in (*r.opens, *r.awaits))),
        startable=bool(made) and (any if effect is Effect.READ else all)(not r.stops for r in made),
    )


def _said(statement: Statement, seen: Survey | None) -> Said:
    ready = seen.ready.get(statement.id) if seen else None
    verdict = statement.verdict or UNJUDGED
    values = ready.values if ready else fill(statement.placeholders, ())
    mask = seen.mask if seen else str
    return Said(
        id=statement.id,
        line=statement.line,
        parts=tuple(_parts(statement)),
        left_out=max(0, len(statement.text) - LONGEST),
        masked=any(hidden(statement.text[:LONGEST])),
        comments=tuple(visible(c) for c in statement.comments if read_comment(c) is None),
        effect=(ready.item.command.effect if ready else verdict.effect).word,
        why=visible((ready.item.command.why if ready else "") or verdict.why),
        sensitive=verdict.sensitive or bool(ready and ready.item.command.sensitive),
        values=tuple(_shown(f, mask) for f in values),
        bounds=ready.bounds if ready else (),
        expects=tuple(visible(e.text) for e in statement.expects),
        runs_as=_runs_as(statement, ready, mask),
        params=tuple(visible(mask(p)) for p in ready.item.command.params) if ready else (),
        target=visible(ready.item.command.target) if ready and not ready.item.refused else "",
        waits=bool(ready and ready.opens),
        by_hand=bool(ready and ready.item.manual),
        refused=visible(mask(ready.stops)) if ready else "",
    )


def _shown(one: Filled, mask: Callable[[str], str]) -> Filled:
    return Filled(one.name, visible(one.text), visible(mask(one.value)), visible(one.source))


def _runs_as(statement: Statement, ready: Ready | None, mask: Callable[[str], str]) -> str:
    """What would run, where it would and is not what the document says."""
    if not ready or ready.item.refused or ready.item.manual:
        return ""
    text = ready.item.command.text
    return "" if text.strip() == statement.text.strip() else visible(mask(text)[:LONGEST])


def _parts(statement: Statement) -> Iterator[tuple[str, bool]]:
    """The text of a statement, cut at its placeholders."""
    at, text = 0, statement.text[:LONGEST]
    for one in statement.placeholders:
        if one.end <= len(text) and one.start >= at:
            yield visible(text[at : one.start]), False
            yield visible(text[one.start : one.end]), True
            at = one.end
    yield visible(text[at:]), False


def _flow(step: Step) -> Iterator[str]:
    flow = step.flow
    if flow.when:
        yield f"only when {visible(flow.when)}"
    if flow.captures:
        source = "the note" if flow.manual else "its output"
        yield f"gives {', '.join(visible(c.name) for c in flow.captures)} to later steps, from {source}"
    if flow.retries:
        yield f"tried again up to {flow.retries} time{'' if flow.retries == 1 else 's'}"
    if flow.timeout:
        yield f"at most {short_time(flow.timeout)}"
    if flow.undo:
        yield f"undone by {visible(flow.undo)}"
    if FAILURES[flow.on_failure]:
        yield FAILURES[flow.on_failure]
