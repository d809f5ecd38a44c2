"""A document's call of a typed action, made ready for a service: its arguments, who offers it, and its effect there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hutch.commands.routing import missing
from hutch.commands.situation import Situation
from hutch.engine.options import call_text
from hutch.model.action import Command
from hutch.model.effect import Effect, Verdict
from hutch.model.runbook import ActionCall
from hutch.runbook import yaml_text
from hutch.runbook.placeholders import find, normal


def called(call: ActionCall, verdict: Verdict, situation: Situation) -> tuple[Command, str]:
    """The command, and why nobody here can carry it out (empty where somebody can).

    An argument that the document leaves open takes the value of its name, where one is given; what stays open then, the
    diagnosis fills in. ``verdict`` is the document's; the target's own word on the effect comes before it.
    """
    args = {name: _filled(value, situation.values) for name, value in arguments(call, situation.values).items()}
    left = [*_holes(args)]
    target = situation.target(call.name)
    judged = _judged(call.name, verdict, situation) if target else verdict
    refused = missing([n for n in left if n not in situation.awaited])
    refused = refused if target else _nobody(call.name, situation.service.name)
    return Command(call.name, call_text(call.name, args), target, judged.effect, judged.why, args), refused


def arguments(call: ActionCall, values: Mapping[str, str]) -> dict[str, object]:
    """The arguments that are known. A value in square brackets is a list: ``--set 'columns=[user_id, created_at]'``."""
    given = {
        name: _value(values[normal(name)]) for name, said in call.args.items() if _open(said) and _has(values, name)
    }
    said = {name: said for name, said in call.args.items() if not _open(said)}
    return {name: {**given, **said}[name] for name in call.args if name in given or name in said}


def wanted(call: ActionCall) -> frozenset[str]:
    """The names of the values that a call takes: its placeholders, and the arguments that it leaves open."""
    return frozenset((*_holes(call.args), *(normal(name) for name, said in call.args.items() if _open(said))))


def _holes(value: object) -> Iterator[str]:
    """The placeholders of every text in an argument, however deep."""
    if isinstance(value, str):
        yield from (hole.name for hole in find(value, "yaml"))
    elif isinstance(value, Mapping):
        yield from (name for one in value.values() for name in _holes(one))
    elif isinstance(value, list):
        yield from (name for one in value for name in _holes(one))


def _filled(value: object, values: Mapping[str, str]) -> object:
    """An argument with its placeholders (``${PREVIOUS}``) as their values: they are values, and never code."""
    if isinstance(value, Mapping):
        return {name: _filled(one, values) for name, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, values) for one in value]
    if not isinstance(value, str):
        return value
    for hole in reversed(find(value, "yaml")):
        value = value[: hole.start] + values.get(hole.name, hole.text) + value[hole.end :]
    return value


def _open(said: object) -> bool:
    return said in (None, "")


def _has(values: Mapping[str, str], name: str) -> bool:
    return bool(values.get(normal(name), "").strip())


def _value(text: str) -> object:
    if not (text.startswith("[") and text.endswith("]")):
        return text
    try:
        read = yaml_text.load(text)
    except yaml_text.YamlError:
        return text
    return [str(item) for item in read] if isinstance(read, list) else text


def _judged(name: str, verdict: Verdict, situation: Situation) -> Verdict:
    """The target's word: what it offers as a read is one, if the name alone says nothing; an action is what it says."""
    if situation.reads(name):
        unsaid = verdict.effect is Effect.CHANGE and "." in name
        return Verdict(Effect.READ, f"{name} is configured as a read") if unsaid else verdict
    offers = (c.actions.get(name) for c in situation.service.connections.values())
    action = next((a for a in offers if a), None)
    effect = action.effect if action else Effect.CHANGE
    return verdict.at_least(effect, f"{situation.target(name)} offers {name} as {effect.word}")


def _nobody(name: str, service: str) -> str:
    return (
        f"no target of {service} offers the action {name}: give it a command line under"
        f" services.{service}.command.verbs, or do it by hand"
    )
