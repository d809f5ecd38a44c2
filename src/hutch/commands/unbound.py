"""Names in documents that nothing stands for at a service, each once with every line that uses it; how to bind them.

Programs that are bound and not installed here are told too.
"""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from hutch.commands.carry import too_long
from hutch.commands.context import Service
from hutch.commands.routing import CURL_FORMAT_FILE, OWN_TARGET, UNJUDGED, Routed, route
from hutch.commands.situation import Situation
from hutch.model.effect import Effect
from hutch.model.runbook import Document, Runbook, Statement, Step
from hutch.runbook.bind import ACTION, AS_IS, MANUAL, Binding, Bound, bind
from hutch.runbook.errors import RunbookError

KINDS = ("host", "program", "cluster", "service", "bucket", "database", "file")
"""In the order in which they are told."""


@dataclass(frozen=True, slots=True)
class Name:
    """A name that is not bound, or a program that is not here. ``places`` are ``file:line``, in order.

    ``stands`` is what it might stand for: a proposal; empty where the configuration of a target is the answer.
    """

    kind: str
    name: str
    places: tuple[str, ...]
    installed: bool = True
    bound: bool = False
    stands: str = ""


def names_of(documents: Iterable[Document], service: Service) -> list[Name]:
    """Every name of the documents that has to be bound at ``service``."""
    situation = Situation(service)
    places: dict[tuple[str, str, bool], dict[str, Effect]] = {}
    for document in documents:
        for runbook in document.runbooks:
            for statement, kind, name, bound in _found(runbook, situation):
                where = f"{Path(document.source).name}:{statement.line}"
                places.setdefault((kind, name, bound), {})[where] = (statement.verdict or UNJUDGED).effect
    made = [_name(kind, name, where, service, bound=bound) for (kind, name, bound), where in places.items()]
    told = [n for n in made if not n.bound or not n.installed]
    return sorted(told, key=lambda n: (KINDS.index(n.kind), -len(n.places), n.name))


def _found(runbook: Runbook, situation: Situation) -> Iterator[tuple[Statement, str, str, bool]]:
    for _, step in runbook.steps():
        for statement in step.statements if step.runnable else ():
            if statement.action is None and not too_long(step, statement):
                yield from ((statement, *found) for found in _of(step, statement, situation))


def _of(step: Step, statement: Statement, situation: Situation) -> Iterator[tuple[str, str, bool]]:
    """Kind and name of what one statement leaves open, and of the programs that it runs as they are."""
    try:
        binding = bind(statement, step.lang, situation.table)
        routed = route(step.lang, statement, statement.verdict or UNJUDGED, situation)
    except RunbookError:
        return  # a binding that cannot stand there: the run says so
    yield from ((o.kind, o.name, False) for o in routed.open if o.kind != "placeholder")
    yield from (("file", name, False) for name in _files(binding))
    yield from (("database", m.target.name, False) for m in binding.open if _lacks_database(m.target.name, routed))
    if routed.command.runner == "sh" and not routed.manual:
        yield from (("program", _started(b), True) for b in binding.of("program") if not b.value.startswith(ACTION))


def _started(bound: Bound) -> str:
    """What a bound program starts here: itself, or the command that it stands for."""
    return bound.key if bound.value == AS_IS else shlex.split(bound.value)[0]


def _files(binding: Binding) -> Iterator[str]:
    """Files that a command reads and that nobody supplies."""
    for one in binding.open:
        if one.target.kind == "file" and one.reads and one.target.name != CURL_FORMAT_FILE:
            yield one.target.name


def _lacks_database(name: str, routed: Routed) -> bool:
    return name.startswith("$") and routed.command.runner == "sh"


def _name(kind: str, name: str, places: Mapping[str, Effect], service: Service, *, bound: bool) -> Name:
    installed = kind != "program" or shutil.which(name.split()[0]) is not None
    proposal = "" if bound else _proposal(kind, name, service, here=installed, worst=max(places.values()))
    return Name(kind, name, tuple(places), installed, bound, proposal)


def _proposal(kind: str, name: str, service: Service, *, here: bool, worst: Effect) -> str:
    """What the name might stand for, by what is configured. A proposal to think about."""
    if name in OWN_TARGET or name.startswith("$"):
        return ""  # a target of the service is the answer
    if kind == "program":
        return _migrates(name, service) or (AS_IS if here and worst < Effect.DESTROY else MANUAL)
    return f"file:{Path(name).name}" if kind == "file" else AS_IS


def _migrates(name: str, service: Service) -> str:
    """A script that migrates, where the service's migrations are configured."""
    words = set(name.lower().replace(":", " ").replace("-", " ").split())
    able = {v for c in service.connections.values() for v in (*c.actions, *c.runs)}
    verb = next((f"migrate.{v}" for v in ("status", "down", "reset", "seed") if v in words), "")
    verb = verb or ("migrate.up" if "migrate" in words and not words & {"undo", "rollback"} else "")
    return f"action:{verb}" if words & {"migrate", "db"} and verb in able else ""


def snippet(found: Mapping[str, Iterable[Name]]) -> str:
    """Lines for ``hutch.yaml``: every name of each service with its proposal, and in a comment how often it is used."""
    lines = ["services:"]
    for service, all_names in found.items():
        names = [n for n in all_names if n.stands]
        lines += [f"  {_scalar(service)}:", "    binds:"] if names else []
        for one in names:
            count = f"{len(one.places)} statement{'' if len(one.places) == 1 else 's'}"
            said = f"  # {one.kind}, {count}{'' if one.installed else ', not installed here'}"
            lines.append(f"      {_scalar(one.name)}: {_scalar(one.stands)}{said}")
    return "\n".join(lines) + "\n" if len(lines) > 1 else ""


def _scalar(text: str) -> str:
    """``text`` as YAML writes it on one line."""
    written: str = yaml.safe_dump(text, width=10**6, allow_unicode=True)
    return written.removesuffix("\n").removesuffix("\n...")
