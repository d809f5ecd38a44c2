"""One statement of a document, made ready for a service: rendered, bound, routed; or refused with the reason."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from hutch.commands import routing
from hutch.commands.calls import called, wanted
from hutch.commands.handover import name_of
from hutch.commands.origins import origins
from hutch.commands.routing import A_PERSON, HAND
from hutch.commands.situation import Situation
from hutch.effect import classify
from hutch.engine.options import call_text
from hutch.model.action import Command
from hutch.model.effect import Effect, Verdict
from hutch.model.program import Item
from hutch.model.runbook import Flow, Statement, Step
from hutch.runbook.errors import RunbookError
from hutch.runbook.placeholders import find, normal
from hutch.runbook.render import render

_ELSEWHERE = re.compile(r"(?:^|; )(?:program \S.* is not bound|no target of \S+ offers the action [\w.-]+(?![\w.:-]))")


def elsewhere(refused: str) -> bool:
    """Whether a statement is refused since it is for a platform that this service does not use.

    A document's own call of an action is for every platform: an option without it would be another one.
    """
    return bool(_ELSEWHERE.search(refused))


def item(step: Step, statement: Statement, situation: Situation, *, last: bool = True) -> Item:
    """The statement rendered for this service, or refused with the reason.

    The step's captures and undo belong to its ``last`` statement, what else its annotations say to each.
    """
    verdict = statement.verdict or Verdict(Effect.CHANGE, "not classified")
    command, refused = _command(step, statement, verdict, situation)
    refused = refused or _never_filled(statement, situation)
    flow = step.flow
    named = _named(step, statement, undone=last and bool(flow.undo))
    values, stands = origins(step.lang, statement, situation)
    handed = {name: normal(name) for name, _ in map(name_of, command.secrets)}
    needs = tuple(name for name in dict.fromkeys(named) if name in situation.awaited)
    return Item(
        statement.id,
        _title(step, statement),
        statement.line,
        _bounded(command, flow),
        tuple(e.text for e in statement.expects),
        refused,
        step.id,
        needs,
        flow.captures if last else (),
        flow.when,
        flow.retries,
        flow.on_failure,
        _undo(step, command, situation) if last and flow.undo else None,
        command.text if command.runner == HAND else "",
        tuple(v for v in values if v.name not in handed.values()),
        (*stands, *(f"{name} → a secret in the program's environment" for name in handed)),
    )


def _never_filled(statement: Statement, situation: Situation) -> str:
    """Why a statement must not run in which a captured value of one letter is meant: ``[n]`` is no placeholder."""
    meant = next((n for n in sorted(situation.awaited) if len(n) == 1 and f"[{n}]" in statement.text), "")
    if not meant:
        return ""
    return f"[{meant}] is a class of characters and would stay as it is: write {{{{ {meant} }}}}, or a longer name"


def by_hand(step: Step) -> Item:
    """A step that a person does and ticks off."""
    command = Command(HAND, step.text.strip() or step.name, A_PERSON, step.effect, "a person does it")
    return Item(
        step.id, step.name, step.line, command, step=step.id, captures=step.flow.captures, when=step.flow.when,
        on_failure=step.flow.on_failure, manual=command.text,
    )  # fmt: skip


def not_looked_into(step: Step, statement: Statement, refused: str) -> Item:
    """A statement that is refused before anything is sought in it."""
    verdict = statement.verdict or Verdict(Effect.CHANGE, "not classified")
    command = Command("none", statement.text, "", verdict.effect, verdict.why)
    return Item(statement.id, _title(step, statement), statement.line, command, refused=refused, step=step.id)


def _named(step: Step, statement: Statement, *, undone: bool) -> Iterator[str]:
    """The values that a statement and its way back take. One without its way back is not carried out."""
    yield from (p.name for p in statement.placeholders)
    if statement.action:
        yield from sorted(wanted(statement.action))
    if undone and not step.flow.undo_action:
        yield from (p.name for p in find(step.flow.undo, step.lang))


def _title(step: Step, statement: Statement) -> str:
    said = statement.comments[0].lstrip("#- ").rstrip(": ") if statement.comments else ""
    return said or step.name


def _bounded(command: Command, flow: Flow) -> Command:
    return replace(command, timeout=flow.timeout.total_seconds()) if flow.timeout else command


def _command(step: Step, statement: Statement, verdict: Verdict, situation: Situation) -> tuple[Command, str]:
    try:
        command, refused = _made(step, statement, verdict, situation)
    except RunbookError as error:  # a value that no statement can take
        return Command("none", statement.text, "", verdict.effect, verdict.why), error.message
    waits = any(p.name in situation.awaited for p in statement.placeholders)
    return command if refused or waits else _judged_again(step.lang, command), refused


def _judged_again(lang: str, command: Command) -> Command:
    """What values and bindings made of a statement is judged too, once they are all there: the greater harm counts."""
    if command.runner not in ("sql", "sh", "http", "psql", "curl", "redis-cli", "valkey-cli"):
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
    open_ = [name for name in rendered.missing if name not in situation.awaited]
    if open_:
        return command, routing.missing(open_)
    return command, "" if target else "no database is configured for this service"


def _undo(step: Step, command: Command, situation: Situation) -> Command | None:
    """The way back that the document names: an action with the same arguments, or a statement like the step's."""
    if step.flow.undo_action:
        args = dict(command.args)
        target = situation.target(step.flow.undo)
        text = call_text(step.flow.undo, args)
        return Command(step.flow.undo, text, target, Effect.CHANGE, "the document's undo (hutch.undo)", args)
    text = step.flow.undo
    holes = find(text, step.lang)
    verdict = classify(step.lang, text, [(p.start, p.end) for p in holes if not p.text.startswith("$")])
    back = Statement(f"{step.id}.undo", text, step.line, placeholders=holes, verdict=verdict)
    made, refused = _command(replace(step, annotations={}), back, verdict, situation)
    return None if refused else made
