"""Asks on a terminal for what a runbook still needs, before anything is started. Answers hold for one run."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterator, Mapping

import click
import yaml

from hutch.cli.lines import cut
from hutch.cli.paint import painted
from hutch.cli.progress import safe
from hutch.cli.shell import with_context
from hutch.commands import incidents, needs
from hutch.commands.context import Context
from hutch.commands.needs import Answers, Enough, Need
from hutch.commands.respond import incident_values
from hutch.commands.routing import Open
from hutch.commands.situation import Situation
from hutch.commands.source import open_source
from hutch.model.runbook import Runbook

ROOM = 79
"""Characters of a line."""

FORMS = {
    "host": "the address that it stands for (http://127.0.0.1:8000), as-is to reach it as it is written",
    "program": "as-is to run it here, another command, or action:NAME",
    "file": "text:… for what is in it",
    "placeholder": "its value",
}
"""What may be answered; any other name: what it stands for here, or as-is."""


def may_ask() -> bool:
    """Whether somebody is there who wants to be asked: a terminal on both sides, and no ``--no-input``."""
    wanted = click.get_current_context().find_root().obj.get("input", True)
    return bool(wanted) and sys.stdin.isatty() and sys.stderr.isatty()


def before(
    document: str, service: str, incident: str, values: Mapping[str, str], binds: Mapping[str, str], step: str
) -> Answers:
    """Ask for what is open. Nothing runs meanwhile, so that leaving (Ctrl-C) leaves nothing behind."""

    async def look(context: Context) -> tuple[Runbook, Situation]:
        state = await incidents.load(context, incident) if incident else None
        place = context.service(service or (state.service if state else ""))
        source = open_source(context, document)
        return source.runbook, Situation(place, values, binds, incident_values(state))

    runbook, situation = with_context(look)
    name = situation.service.name
    asked: list[Need] = []

    def ask(need: Need) -> str:
        if not asked:
            click.echo("Some things are open. Enter alone leaves that statement out, Ctrl-D all that is", err=True)
            click.echo("open, Ctrl-C starts nothing.", err=True)
        asked.append(need)
        click.echo("\n" + "\n".join(question(need, name)), err=True)
        click.echo(f"{_called(need.open)}: ", nl=False, err=True)
        return _answer()

    answers = needs.gather(runbook, situation, ask, step)
    if answers:
        click.echo(f"\nTo keep these answers, write into hutch.yaml:\n\n{permanent(answers, name)}", err=True)
    return answers


def _answer() -> str:
    """One line. The end of the input (Ctrl-D) is an answer too: no more questions."""
    line = sys.stdin.readline()
    if not line:
        click.echo(err=True)
        raise Enough
    return line


def question(need: Need, service: str) -> Iterator[str]:
    """What is asked, and the statement that waits for it."""
    if need.problem:
        yield from _wrapped(f"That cannot be: {safe(need.problem)}", "")
        return
    yield painted(safe(f"{_called(need.open)} {_lacks(need.open, service)}"), "title")
    lines = need.statement.text.splitlines()
    more = f"  (and {len(lines) - 1} more lines)" if len(lines) > 1 else ""
    place = f"  {safe(need.section.title)}, line {need.statement.line}:"
    yield f"{place}  {cut(safe(lines[0]), max(20, ROOM - 2 - len(place) - len(more)))}{more}"
    form = FORMS.get(need.open.kind, "what it stands for here, or as-is")
    manual = "" if need.open.kind in ("placeholder", "file") else ", manual for what a person does"
    yield from _wrapped(f"Give {form}{manual}; or nothing.", "  ")


def _called(open_: Open) -> str:
    return f"[{open_.name}]" if open_.kind == "placeholder" else f"{open_.kind} {open_.name}"


def _lacks(open_: Open, service: str) -> str:
    if open_.kind == "placeholder":
        return "has no value"
    there = open_.kind != "program" or shutil.which(open_.name.split()[0])
    return f"is not bound for {service}{'' if there else ', and not installed here'}"


def _wrapped(text: str, lead: str) -> list[str]:
    return textwrap.wrap(text, ROOM, initial_indent=lead, subsequent_indent=lead, break_on_hyphens=False)


def permanent(answers: Answers, service: str) -> str:
    """The answers as they stand in ``hutch.yaml``."""
    kept = {k: dict(v) for k, v in (("binds", answers.binds), ("values", answers.values)) if v}
    text: str = yaml.safe_dump({"services": {service: kept}}, sort_keys=False, allow_unicode=True, width=200)
    return text
