"""What a person can still say so that more of a runbook runs: asked for before the run starts, or told as a warning."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

from hutch.commands.calls import wanted
from hutch.commands.carry import carried, too_long
from hutch.commands.routing import UNJUDGED, Open, Routed, route
from hutch.commands.situation import Situation
from hutch.commands.statement import item
from hutch.model.effect import Effect
from hutch.model.runbook import READING_ROLES, REMEDY_ROLES, Role, Runbook, Section, Statement, Step
from hutch.runbook.bind import lookup
from hutch.runbook.errors import RunbookError
from hutch.runbook.hosts import mentions
from hutch.runbook.placeholders import normal
from hutch.runbook.values import captured_by

TRIES = 3
"""Answers to one question that may be wrong before it is left open."""

_HOLE = re.compile(r"\[([^\]]+)\] has no value")
_ORDER = ("program", "host", "cluster", "service", "bucket", "database", "file", "placeholder")


@dataclass(frozen=True, slots=True)
class Need:
    """One thing to be said, and the statement that waits for it. ``problem`` is what was wrong with the last answer."""

    open: Open
    section: Section
    statement: Statement
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Answers:
    """What a person said for one run: values of placeholders, and what names stand for."""

    values: Mapping[str, str] = field(default_factory=dict)
    binds: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.values or self.binds)


class Enough(Exception):
    """Whoever is asked wants no further question: what is open stays so."""


Ask = Callable[[Need], str]


def gather(runbook: Runbook, situation: Situation, ask: Ask, step: str = "") -> Answers:
    """Ask for what statements that would run still need: once for each name. An empty answer leaves it open, and then
    nothing more is asked for that statement; after :class:`Enough` nothing is asked at all."""
    given = _Gathering(replace(situation, later=situation.later | {*captured_by(s for _, s in runbook.steps())}), ask)
    with suppress(Enough):
        for section, one in runbook.steps():
            for each in carried(one, situation) if one.runnable and _wanted(section, one, step) else ():
                if not too_long(one, each.statement):
                    given.complete(section, one, each.statement)
    return Answers(given.values, given.binds)


def _wanted(section: Section, step: Step, only: str) -> bool:
    """Whether the section's statements may come to run: what a run looks at and offers, or what a person asks for."""
    if only:
        return only in (step.id, step.name) or any(s.id == only for s in step.statements)
    return section.role in READING_ROLES | REMEDY_ROLES | {Role.VERIFICATION}


@dataclass
class _Gathering:
    situation: Situation
    ask: Ask
    values: dict[str, str] = field(default_factory=dict)
    binds: dict[str, str] = field(default_factory=dict)
    declined: set[tuple[str, str]] = field(default_factory=set)

    def complete(self, section: Section, step: Step, statement: Statement) -> None:
        """Ask until nothing is open, or something stays so."""
        while (open_ := self._next(section, step, statement)) is not None:
            if not self._answered(Need(open_, section, statement), step):
                self.declined.add((open_.kind, open_.name))

    def _next(self, section: Section, step: Step, statement: Statement) -> Open | None:
        routed = _routed(step, statement, self.situation)
        if routed is None or routed.refused or routed.manual or not _may_run(section, routed):
            return None
        if any((o.kind, o.name) in self.declined for o in routed.open):
            return None
        return min(routed.open, key=lambda o: _ORDER.index(o.kind), default=None)

    def _answered(self, need: Need, step: Step) -> bool:
        for _ in range(TRIES):
            said = self.ask(need).strip()
            if not said:
                return False
            after = _with(self.situation, need.open, said)
            problem = _problem(step, need.statement, after)
            if not problem:
                self.situation = after
                into = self.values if need.open.kind == "placeholder" else self.binds
                into[need.open.name] = said
                return True
            need = replace(need, problem=problem)
        return False


def _with(situation: Situation, open_: Open, said: str) -> Situation:
    if open_.kind == "placeholder":
        return replace(situation, given={**situation.given, open_.name: said})
    return replace(situation, binds={**situation.binds, open_.name: said})


def _problem(step: Step, statement: Statement, situation: Situation) -> str:
    try:
        _route(step, statement, situation)
    except RunbookError as error:
        return error.message
    return ""


def _routed(step: Step, statement: Statement, situation: Situation) -> Routed | None:
    try:
        return _route(step, statement, situation)
    except RunbookError:
        return None  # a value that it cannot take: the run says so


def _route(step: Step, statement: Statement, situation: Situation) -> Routed:
    if statement.action:
        made = item(step, statement, situation)
        names = [n for n in _HOLE.findall(made.refused) if n not in situation.awaited]
        return Routed(made.command, tuple(Open("placeholder", n, made.refused) for n in names))
    return route(step.lang, statement, statement.verdict or UNJUDGED, situation)


def _may_run(section: Section, routed: Routed) -> bool:
    """Where one looks, only reads run by themselves; nothing that a person must ask for."""
    command = routed.command
    return section.role in REMEDY_ROLES or (command.effect is Effect.READ and not command.sensitive)


# ------------------------------------------------------------------ what nothing needs


def unneeded(runbook: Runbook, values: Iterable[str], binds: Iterable[str]) -> Iterator[str]:
    """A warning for each value and binding that nothing in the runbook takes, with the nearest name that it has."""
    holes, names, used = _known(runbook, list(binds))
    for name in values:
        if normal(name) not in holes:
            yield f"nothing in this runbook takes --set {name}{_near(normal(name), holes)}"
    for name in binds:
        if name not in used:
            yield f"nothing in this runbook names {name}, which --bind gives{_near(name, names)}"


def _near(name: str, known: Iterable[str]) -> str:
    found = get_close_matches(name, known, n=1, cutoff=0.6)
    return f"; did you mean {found[0]}?" if found else ""


def _known(runbook: Runbook, binds: list[str]) -> tuple[set[str], set[str], set[str]]:
    """The placeholders and names of a runbook, and which of ``binds`` something goes by."""
    holes: set[str] = set()
    names: set[str] = set()
    used: set[str] = set()
    for _, step in runbook.steps():
        holes |= {normal(word) for word in re.findall(r"[\w-]+", step.flow.when)}
        for statement in step.statements:
            holes |= {p.name for p in statement.placeholders} | (
                wanted(statement.action) if statement.action else set()
            )
            for one in mentions(statement, step.lang):
                names.add(one.target.name)
                used |= {b for b in binds if lookup(one, statement.text, {b: ""})}
    return holes, names, used
