"""From a runbook and a service to a run's program: every statement rendered, bound, and put where it belongs.

Reads of detection and diagnosis run by themselves, options wait for approval, the verification's reads prove them.
What cannot run is in the program too, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from hutch.commands import routing
from hutch.commands.calls import called
from hutch.commands.situation import Situation
from hutch.effect import classify
from hutch.model.action import Command
from hutch.model.effect import Effect, Verdict
from hutch.model.program import Item, Option, Program
from hutch.model.runbook import READING_ROLES, REMEDY_ROLES, Role, Runbook, Section, Statement, Step
from hutch.runbook.errors import RunbookError
from hutch.runbook.render import render


def prepare(runbook: Runbook, situation: Situation) -> Program:
    """The program of ``runbook`` in ``situation``."""
    made = [
        (section, step, [item(section, step, s, situation) for s in step.statements])
        for section, step in runbook.steps()
        if step.runnable
    ]
    reads = [_by_itself(section, i) for section, _, items in made if section.role in READING_ROLES for i in items]
    proofs = [_by_itself(section, i) for section, _, items in made if section.role is Role.VERIFICATION for i in items]
    options = [option for section in runbook.sections for option in _options(section, made)]
    ready = [i for i in reads if not i.refused]
    elsewhere = [i for _, _, items in made for i in items]
    placed = {i.id for i in (*ready, *proofs)} | {i.id for o in options for i in o.items}
    refused = {i.id: i for i in reads if i.refused}
    skipped = [refused.get(i.id, i) for i in elsewhere if i.id not in placed]
    return Program(tuple(ready), tuple(options), tuple(proofs), tuple(skipped))


def _by_itself(section: Section, made: Item) -> Item:
    """Only reads that are not sensitive run without a person."""
    command = made.command
    if made.refused:
        return made
    if command.effect is not Effect.READ:
        return replace(
            made, refused=f"{command.effect.word} in “{section.title}” does not run by itself: {command.why}"
        )
    if command.sensitive:
        return replace(made, refused="returns secrets or personal rows: a person asks for it")
    return made


def _options(section: Section, made: list[tuple[Section, Step, list[Item]]]) -> Iterable[Option]:
    items = [i for s, _, found in made if s.id == section.id for i in found]
    if section.role is Role.OPTION:
        usable = [i for i in items if not i.refused]
        kept = usable if any(i.command.effect > Effect.READ for i in usable) else items
        if kept:
            yield Option(section.id, section.title, tuple(kept), section.option or 0)
    elif section.role in REMEDY_ROLES or section.role is Role.ACTIONS:
        for one in items:
            if one.command.effect > Effect.READ:
                yield Option(one.id, _called(section, one), (one,))


def _called(section: Section, one: Item) -> str:
    """What a statement that is an option by itself is called: the comment above it, else how it begins."""
    said = one.title if one.title != section.title else one.command.text.splitlines()[0]
    return f"{section.title}: {said}"


# ------------------------------------------------------------------ one statement


def item(section: Section, step: Step, statement: Statement, situation: Situation) -> Item:
    """The statement rendered for this service, or refused with the reason."""
    verdict = statement.verdict or Verdict(Effect.CHANGE, "not classified")
    expects = tuple(e.text for e in statement.expects)
    try:
        command, refused = _made(step, statement, verdict, situation)
    except RunbookError as error:  # a value that no statement can take
        command, refused = Command("none", statement.text, "", verdict.effect, verdict.why), error.message
    said = statement.comments[0].lstrip("#- ").rstrip(": ") if statement.comments else ""
    title = said or section.title
    return Item(statement.id, title, statement.line, _judged_again(step.lang, command), expects, refused)


def _judged_again(lang: str, command: Command) -> Command:
    """What values and bindings made of a statement is judged too: the greater harm counts."""
    if command.runner not in ("sql", "sh", "psql", "curl", "redis-cli", "valkey-cli"):
        return command
    again = classify(lang, command.text)
    if again.effect <= command.effect:
        return replace(command, sensitive=command.sensitive or again.sensitive)
    return replace(command, effect=again.effect, why=again.why, sensitive=command.sensitive or again.sensitive)


def _made(step: Step, statement: Statement, verdict: Verdict, situation: Situation) -> tuple[Command, str]:
    if statement.action:
        return called(statement.action, verdict, situation)
    if step.lang == "sql":
        return _sql(statement, verdict, situation)
    return routing.shell(step.lang, statement, verdict, situation)


def _sql(statement: Statement, verdict: Verdict, situation: Situation) -> tuple[Command, str]:
    rendered = render(statement, "sql", situation.values)
    target = situation.target("sql")
    command = Command(
        "sql",
        rendered.sql or rendered.text,
        target,
        verdict.effect,
        verdict.why,
        params=rendered.params,
        sensitive=verdict.sensitive,
    )
    if rendered.missing:
        return command, routing.missing(rendered.missing)
    return command, "" if target else "no database is configured for this service"
