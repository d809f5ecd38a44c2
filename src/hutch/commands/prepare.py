"""From a runbook and a service to a run's program: every statement rendered, bound, and put where it belongs.

Reads of detection and diagnosis run by themselves, options wait for approval, the verification's reads prove them.
What cannot run is in the program too, with the reason.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import replace

from hutch.commands.situation import Situation
from hutch.effect import classify
from hutch.engine.options import call_text
from hutch.model.action import Command
from hutch.model.effect import Effect, Verdict
from hutch.model.program import Item, Option, Program
from hutch.model.runbook import READING_ROLES, REMEDY_ROLES, Role, Runbook, Section, Statement, Step, Target
from hutch.runbook.errors import RunbookError
from hutch.runbook.hosts import targets
from hutch.runbook.render import render

AS_IS = "as-is"
MANUAL = "manual"

TEXT_TOOLS = frozenset(
    {"cat", "cut", "date", "echo", "grep", "head", "jq", "printf", "sort", "tail", "tr", "uniq", "wc"}
)
"""Programs that need no binding: they work on what they are given and reach nothing."""

BY_HAND = frozenset({"open", "xdg-open"})
"""Programs that mean "a person looks at this"."""

SYNTAX = re.compile(r"[|&;<>()`$*?\[\]{}~!\n]")
"""What only a shell understands; without it a command runs by argument list."""

CURL_FORMAT = "".join(
    f"{name}:  %{{{name}}}s\\n"
    for name in ("time_namelookup", "time_connect", "time_appconnect", "time_starttransfer", "time_total")
)
"""What ``curl-format.txt`` holds where nothing else is bound to it."""


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
        return _action(statement, verdict, situation)
    if step.lang == "sql":
        return _sql(statement, verdict, situation)
    return _shell(step.lang, statement, verdict, situation)


def _action(statement: Statement, verdict: Verdict, situation: Situation) -> tuple[Command, str]:
    call = statement.action
    assert call is not None
    args = {k: v for k, v in call.args.items() if v not in (None, "")}
    target = situation.target(call.name)
    refused = "" if target else f"no target of {situation.service.name} offers the action {call.name}"
    effect, why = verdict.effect, verdict.why
    if effect is Effect.CHANGE and "." in call.name and situation.reads(call.name):
        effect, why = Effect.READ, f"{call.name} is configured as a read"
    return Command(call.name, call_text(call.name, args), target, effect, why, args), refused


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
        return command, _missing(rendered.missing)
    return command, "" if target else "no database is configured for this service"


def _missing(names: Iterable[str]) -> str:
    found = list(dict.fromkeys(names))
    return "; ".join(f"[{n}] has no value: give --set {n}=VALUE" for n in found)


def _shell(lang: str, statement: Statement, verdict: Verdict, situation: Situation) -> tuple[Command, str]:
    rendered = render(statement, lang, situation.values)
    found = targets(statement, lang)
    database = bool(situation.target("psql"))
    missing = [m for m in rendered.missing if not (m == "database-url" and database)]
    text = _with_hosts(rendered.text, found, situation)
    refusals = [_missing(missing)] if missing else []
    refusals += [r for t in found if (r := _unbound(t, situation))]
    command = _routed(text, verdict, rendered.env, situation)
    programs = [t.name for t in found if t.kind == "program"]
    refusals += [] if missing else _unrunnable(command, programs, situation)
    return command, "; ".join(refusals)


def _with_hosts(text: str, found: Iterable[Target], situation: Situation) -> str:
    """The text with each bound host, cluster … replaced by what it stands for; the document is untouched."""
    for target in found:
        value = situation.bound(target.name)
        if target.kind == "program" or value in ("", AS_IS, MANUAL):
            continue
        if target.kind == "host" and "://" in value:
            text = re.sub(rf"https?://{re.escape(target.name.partition('://')[2] or target.name)}", value, text)
        else:
            text = text.replace(target.name, value)
    return text


def _unbound(target: Target, situation: Situation) -> str:
    """Why this target must not be reached. A placeholder's value was given for this service: it is its own binding."""
    known = situation.bound(target.name)
    if target.kind in ("program", "file") or (known and known != MANUAL):
        return ""
    if target.kind == "database" and situation.target("psql"):
        return ""
    if target.name in situation.values.values():
        return ""
    where = f"services.{situation.service.name}.binds"
    return f"{target.kind} {target.name} is not bound: add it to {where} or give --bind {target.name}=VALUE"


def _routed(text: str, verdict: Verdict, env: Mapping[str, str], situation: Situation) -> Command:
    """By argument list to whoever stands in for the program, or to the program itself; by a shell where it must be."""
    bare = text.replace("$DATABASE_URL", "DATABASE_URL").replace("${DATABASE_URL}", "DATABASE_URL")
    argv = _words(bare)
    program = argv[0] if argv else ""
    base = Command("sh", text, "this machine", verdict.effect, verdict.why, env=env, sensitive=verdict.sensitive)
    if argv and program not in ("sh", "sql") and situation.target(program):
        args: dict[str, object] = {"argv": argv}
        if program == "psql":
            args["sql"] = next((argv[i + 1] for i, w in enumerate(argv[:-1]) if w in ("-c", "--command")), "")
        if program == "curl":
            args["files"] = {"curl-format.txt": situation.bound("curl-format.txt") or CURL_FORMAT}
        return replace(base, runner=program, target=situation.target(program), args=args)
    return replace(base, args={"argv": argv}) if argv else base


def _words(text: str) -> list[str]:
    """The argument list of a simple command; empty where a shell is needed to understand it."""
    joined = text.replace("\\\n", " ")
    outside = re.sub(r"'[^']*'|\"[^\"$`\\]*\"", "", joined)
    if SYNTAX.search(re.sub(r"\s#.*$", "", outside)):
        return []
    try:
        return shlex.split(joined, comments=True)
    except ValueError:
        return []


def _unrunnable(command: Command, programs: Iterable[str], situation: Situation) -> list[str]:
    """What stops a shell command: a person's step, an unbound program, a database given to a pipeline."""
    names = list(dict.fromkeys(programs))
    if any(n in BY_HAND or situation.bound(n) == MANUAL for n in names):
        return [f"a person does this by hand: {command.text}"]
    if command.runner == "psql" and not command.args.get("sql"):
        return ["only `psql -c STATEMENT` runs here: a file or input would bring statements that nobody has seen"]
    if command.runner != "sh":
        return []
    reasons = [
        f"program {n} is not bound: add binds: {{{n}: as-is}} to run it here"
        for n in names
        if n not in TEXT_TOOLS and not situation.bound(n)
    ]
    if "$DATABASE_URL" in command.text:
        reasons.append("a database address is a secret and is not given to a shell; psql -c alone runs by the provider")
    return reasons
