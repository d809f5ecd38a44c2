"""A shell statement of a document -> the command that runs here: who does it, bound to what, or why it must not run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import replace

from hutch.commands.situation import Situation
from hutch.model.action import Command
from hutch.model.effect import Verdict
from hutch.model.runbook import Statement, Target
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


def missing(names: Iterable[str]) -> str:
    """What is said of placeholders without a value."""
    found = list(dict.fromkeys(names))
    return "; ".join(f"[{n}] has no value: give --set {n}=VALUE" for n in found)


def shell(lang: str, statement: Statement, verdict: Verdict, situation: Situation) -> tuple[Command, str]:
    """The command of a statement, and why it must not run; empty when it may."""
    rendered = render(statement, lang, situation.values)
    found = targets(statement, lang)
    database = bool(situation.target("psql"))
    open_ = [m for m in rendered.missing if not (m == "database-url" and database)]
    text = _with_hosts(rendered.text, found, situation)
    refusals = [missing(open_)] if open_ else []
    refusals += [r for t in found if (r := _unbound(t, situation))]
    command = _routed(text, verdict, rendered.env, situation)
    programs = [t.name for t in found if t.kind == "program"]
    refusals += [] if open_ else _unrunnable(command, programs, situation)
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
