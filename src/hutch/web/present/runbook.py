"""A runbook as the page shows it: its prose, and in place of each step a card that says what it does here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote

from hutch.commands.prepare import item
from hutch.commands.situation import Situation
from hutch.model.effect import Effect
from hutch.model.program import Item
from hutch.model.runbook import Filled, OnFailure, Role, Runbook, Section, Statement, Step
from hutch.runbook.hosts import targets
from hutch.runbook.show import short_time
from hutch.runbook.values import Source, captured_by, fill
from hutch.runbook.visible import hidden, visible

LONGEST = 20_000
"""Characters of one statement that a page shows; it runs whole, and the page says that there is more."""

PLAIN_ROLES = frozenset({Role.OVERVIEW, Role.REFERENCE})

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


@dataclass(frozen=True, slots=True)
class Said:
    """One statement: exactly what the document says, and what would become of it here.

    ``parts`` is its text, each piece with whether it is a placeholder; ``runs_as`` is what would run, where that
    differs; ``refused`` is why it would not.
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
class Survey:
    """A runbook in a situation: every statement made ready, by id; what captures give; what is open in all."""

    items: Mapping[str, Item]
    captured: Mapping[str, str]
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
    words = [_effect(s) for _, step in runbook.steps() if step.runnable for s in step.statements]
    manual = sum(step.flow.manual for _, step in runbook.steps())
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


# ------------------------------------------------------------------ in a situation


def survey(runbook: Runbook, situation: Situation, mask: Callable[[str], str]) -> Survey:
    """Every statement of ``runbook`` made ready for a service. Takes time: not for the event loop."""
    steps = [(section, step) for section, step in runbook.steps()]
    ready = {s.id: item(sec, step, s, situation) for sec, step in steps if step.runnable for s in step.statements}
    captured = {name: visible(step.name) for name, (step, _) in captured_by(step for _, step in steps).items()}
    opens = [o for _, step in steps for o in _opens(step, ready, situation, frozenset(captured))]
    stopped = sum(bool(i.refused) for i in ready.values())
    reads = sum(not i.refused and i.command.effect is Effect.READ for i in ready.values())
    left = len(ready) - stopped - reads
    return Survey(ready, captured, tuple(dict.fromkeys(opens)), reads, left, stopped, mask)


def _opens(step: Step, ready: Mapping[str, Item], situation: Situation, given: frozenset[str]) -> Iterator[Open]:
    for statement in step.statements:
        made = ready.get(statement.id)
        if made is None or not made.refused:
            continue
        known = situation.values
        for one in statement.placeholders:
            if f"[{one.name}] has no value" in made.refused and one.name not in given and not known.get(one.name):
                yield Open(f"value.{one.name}", visible(one.text), "a value")
        for target in targets(statement, step.lang):
            if f"{target.kind} {target.name} is not bound" in made.refused:
                hint = "as-is" if target.kind == "program" else "what it stands for here, or as-is"
                yield Open(f"bind.{target.name}", visible(f"{target.kind} {target.name}"), hint)


def cards(
    runbook: Runbook, lines: Iterable[int], situation: Situation | None, seen: Survey | None, lead: Callable[[str], str]
) -> dict[int, Card]:
    """The card of each step at one of ``lines``; ``lead`` says where a relative link leads on our pages."""
    wanted = set(lines)
    return {
        step.line: _card(place, section, step, situation, seen, _leads(step, lead))
        for place, (section, step) in enumerate(runbook.steps(), 1)
        if step.line in wanted
    }


def _leads(step: Step, lead: Callable[[str], str]) -> str:
    return lead(f"{step.link.document}#{step.link.anchor}".removesuffix("#")) if step.link else ""


def _card(
    place: int, section: Section, step: Step, situation: Situation | None, seen: Survey | None, leads: str
) -> Card:
    said = tuple(_said(step, s, situation, seen) for s in step.statements)
    opens: tuple[Open, ...] = ()
    if seen and situation:
        opens = tuple(dict.fromkeys(_opens(step, seen.items, situation, frozenset())))
    refused = [s for s in said if s.refused]
    return Card(
        id=step.id,
        place=place,
        name=visible(step.name or section.title),
        lang=visible(step.lang),
        line=step.line,
        effect=step.effect.word,
        statements=said,
        notes=tuple(visible(n) for n in step.notes),
        flow=tuple(_flow(step)),
        manual=step.flow.manual,
        text=_short(step.text),
        sub=visible(step.name) if step.link else "",
        leads=leads,
        opens=opens,
        startable=bool(seen and step.runnable and (opens or len(refused) < len(said))),
    )


def _short(text: str) -> str:
    return visible(text[:LONGEST]).rstrip("\n")


def _said(step: Step, statement: Statement, situation: Situation | None, seen: Survey | None) -> Said:
    made = seen.items.get(statement.id) if seen else None
    verdict = statement.verdict
    text = visible(seen.mask(made.command.text)) if made and seen else ""
    shown = visible(statement.text)
    return Said(
        id=statement.id,
        line=statement.line,
        parts=tuple(_parts(statement)),
        left_out=max(0, len(statement.text) - LONGEST),
        masked=any(hidden(statement.text[:LONGEST])),
        comments=tuple(visible(c) for c in statement.comments),
        effect=made.command.effect.word if made and not step.flow.manual else _effect(statement),
        why=visible(made.command.why if made and made.command.why else verdict.why if verdict else ""),
        sensitive=bool((verdict and verdict.sensitive) or (made and made.command.sensitive)),
        values=_values(statement, situation, seen),
        bounds=_bounds(step, statement, situation),
        expects=tuple(visible(e.text) for e in statement.expects),
        runs_as=text[:LONGEST] if made and not made.refused and text.strip() != shown.strip() else "",
        params=tuple(visible(p) for p in made.command.params) if made else (),
        target=visible(made.command.target) if made and not made.refused else "",
        refused=visible(made.refused) if made else "",
    )


def _effect(statement: Statement) -> str:
    return statement.verdict.effect.word if statement.verdict else "change"


def _parts(statement: Statement) -> Iterator[tuple[str, bool]]:
    """The text of a statement, cut at its placeholders."""
    at, text = 0, statement.text[:LONGEST]
    for one in statement.placeholders:
        if one.end <= len(text) and one.start >= at:
            yield visible(text[at : one.start]), False
            yield visible(text[one.start : one.end]), True
            at = one.end
    yield visible(text[at:]), False


def _values(statement: Statement, situation: Situation | None, seen: Survey | None) -> tuple[Filled, ...]:
    """Each placeholder with its value and where that comes from."""
    if not situation:
        return tuple(_visible(f) for f in fill(statement.placeholders, ()))
    where = f"services.{situation.service.name}.values"
    found = fill(statement.placeholders, [Source(where, situation.service.config.values)])
    captured, mask = (seen.captured, seen.mask) if seen else ({}, str)
    return tuple(_visible(_later(replace(f, value=mask(f.value)), captured, situation)) for f in found)


def _later(one: Filled, captured: Mapping[str, str], situation: Situation) -> Filled:
    if one.source:
        return one
    if one.name == "database-url" and situation.target("psql"):
        return replace(one, source=f"the database of {situation.service.name}")
    if one.name in captured:
        return replace(one, source=f"the output of “{captured[one.name]}”")
    return one


def _visible(one: Filled) -> Filled:
    return Filled(one.name, visible(one.text), visible(one.value), visible(one.source))


def _bounds(step: Step, statement: Statement, situation: Situation | None) -> tuple[Bound, ...]:
    """What it names of the outside; programs only where something else stands in for them."""
    if not situation:
        return ()
    found = [(t, situation.bound(t.name)) for t in targets(statement, step.lang)]
    return tuple(
        Bound(t.kind, visible(t.name), visible(value))
        for t, value in found
        if (value and value != "as-is") or t.kind not in ("program", "file", "database")
    )


def _flow(step: Step) -> Iterator[str]:
    flow = step.flow
    if flow.when:
        yield f"only when {visible(flow.when)}"
    if flow.captures:
        yield f"keeps {', '.join(visible(c.name) for c in flow.captures)} of its output for later steps"
    if flow.retries:
        yield f"tried again up to {flow.retries} time{'' if flow.retries == 1 else 's'}"
    if flow.timeout:
        yield f"at most {short_time(flow.timeout)}"
    if flow.undo:
        yield f"undone by {visible(flow.undo)}"
    if FAILURES[flow.on_failure]:
        yield FAILURES[flow.on_failure]
