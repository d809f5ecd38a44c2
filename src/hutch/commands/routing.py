"""A shell statement of a document -> the command that runs here: who does it, bound to what, or why it must not run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from hutch.commands.handover import Handed, handed
from hutch.commands.situation import Situation
from hutch.engine.options import call_text
from hutch.model.action import Command
from hutch.model.effect import Effect, Verdict
from hutch.model.runbook import Filled, Rendered, Statement
from hutch.runbook.bind import TEXT, Action, Binding, Bound, action, bind, lookup
from hutch.runbook.hosts import Mention
from hutch.runbook.placeholders import normal
from hutch.runbook.render import render
from hutch.runbook.render_shell import mask
from hutch.runbook.shell_argv import argument_list
from hutch.runbook.values import fill, is_secret, known

TEXT_TOOLS = frozenset(
    {"cat", "cut", "date", "echo", "grep", "head", "jq", "printf", "sort", "tail", "tr", "uniq", "wc"}
)
"""Programs that need no binding: they work on what they are given and reach nothing."""

SETTERS = frozenset({"cd", "export", "umask", "unset", "set", "shopt"})
"""The shell's own commands that only set the shell for what follows: nobody binds them."""

BUILT_IN = frozenset(
    {":", "[", "[[", "break", "continue", "declare", "exit", "false", "let", "local", "mapfile", "read", "readarray",
     "readonly", "return", "shift", "sleep", "test", "true", "typeset", "wait"}
)  # fmt: skip
"""More of the shell's own commands: they run nothing else, so there is nothing to bind."""

HAND, A_PERSON = "hand", "a person"
"""The runner and the target of what is done by hand: no program's."""

BY_HAND = frozenset({"open", "xdg-open"})
"""Programs that mean "a person looks at this"."""

UNBOUND = TEXT_TOOLS | SETTERS | BUILT_IN | BY_HAND
"""What runs without a binding."""

LANGUAGES = frozenset({"sh", "sql", "http", "promql"})
"""Runners that are called as no program is."""

PYTHON, INTERPRETER = "python", "python3"
"""The language of a block, and the program that runs it; that one is bound as any other."""

OWN_TARGET = frozenset({"psql", "redis-cli", "valkey-cli"})
"""Programs whose stand-in goes to the service's own target, whatever host the document names."""

WATCHED = 15.0
"""Seconds for which what never ends by itself is watched, where the document does not say."""

CURL_FORMAT_FILE = "curl-format.txt"
CURL_FORMAT = "".join(
    f"{name}:  %{{{name}}}s\\n"
    for name in ("time_namelookup", "time_connect", "time_appconnect", "time_starttransfer", "time_total")
)
"""What ``curl-format.txt`` holds where nothing else is bound to it."""


_CONTINUED = re.compile(r"(?<!\\)((?:\\\\)*)\\\n")
"""A line break that a backslash takes away; not one after a backslash that is itself taken literally."""

UNJUDGED = Verdict(Effect.CHANGE, "not classified")
"""What a statement is taken for that nobody has judged."""


@dataclass(frozen=True, slots=True)
class Open:
    """What a person can say so that a statement may run: a placeholder's value, or what a name stands for."""

    kind: str  # placeholder, or that of a Target
    name: str
    said: str


@dataclass(frozen=True, slots=True)
class Routed:
    """What became of a statement. ``open`` can be answered by ``--set`` or ``--bind``, ``refused`` cannot."""

    command: Command
    open: tuple[Open, ...] = ()
    refused: tuple[str, ...] = ()
    manual: bool = False
    values: tuple[Filled, ...] = ()
    bound: tuple[Bound, ...] = ()
    place: str = ""

    @property
    def reason(self) -> str:
        """Why it does not run; empty when it may."""
        return "; ".join((*(one.said for one in self.open), *self.refused))


def missing(names: Iterable[str]) -> str:
    """What is said of placeholders without a value."""
    return "; ".join(_lacking(name) for name in dict.fromkeys(names))


def _lacking(name: str) -> str:
    if is_secret(name):
        return (
            f"[{name}] is a secret, which no statement may carry: do it by hand, by a typed action that places it,"
            " or hand it over as a variable that services.NAME.secrets names"
        )
    return f"[{name}] has no value: give --set {name}=VALUE"


def shell(lang: str, statement: Statement, verdict: Verdict, situation: Situation) -> tuple[Command, str]:
    """The command of a statement, and why it must not run; empty when it may."""
    routed = route(lang, statement, verdict, situation)
    if routed.manual:
        text = f"{routed.command.text}\n→ {routed.place}" if routed.place else routed.command.text
        return replace(routed.command, text=text, runner=HAND, target=A_PERSON, args={}), ""
    return routed.command, routed.reason


def route(lang: str, statement: Statement, verdict: Verdict, situation: Situation) -> Routed:
    """Bind, render and route ``statement``. Raises :class:`RunbookError` for a value that it cannot take."""
    binding = bind(statement, lang, situation.table)
    filled = fill(binding.statement.placeholders, situation.sources)
    values = {name: value for name, value in known(filled).items() if name not in situation.awaited}
    if stands := _action(binding):
        return _by_action(*stands, binding, filled, verdict, situation)
    rendered = render(binding.statement, lang, values)
    command = _command(lang, binding, rendered, verdict, situation)
    gets = _handed(lang, command, binding, situation)
    rendered = replace(rendered, missing=tuple(n for n in rendered.missing if n not in gets.names))
    command = replace(command, secrets=gets.secrets, sensitive=command.sensitive or bool(gets.names))
    return Routed(
        command,
        (*_placeholders(rendered, binding, situation), *_names(lang, binding, command, filled, situation)),
        (*gets.refused, *_refusals(command, binding), *_hidden(rendered, situation)),
        binding.manual or any(m.target.name in BY_HAND for m in _programs(binding)),
        filled,
        binding.bound,
        binding.place,
    )


def _handed(lang: str, command: Command, binding: Binding, situation: Situation) -> Handed:
    """The secrets of a statement that this machine's programs run; a provider has its own."""
    if command.runner != "sh":
        return Handed()
    one, table = binding.statement, situation.service.config.secrets
    if lang == PYTHON:
        return handed(INTERPRETER, (), table)
    return handed(mask(one.text, one.placeholders), one.placeholders, table)


# ------------------------------------------------------------------ what is open


def _placeholders(rendered: Rendered, binding: Binding, situation: Situation) -> Iterator[Open]:
    """Values that a person can give. The address of a database is its provider's, and given to nobody else."""
    addresses = {normal(m.target.name) for m in binding.open if m.target.name.startswith("$")}
    for name in rendered.missing:
        if not (name in situation.awaited or is_secret(name) or name in addresses):
            yield Open("placeholder", name, missing([name]))


def _hidden(rendered: Rendered, situation: Situation) -> Iterator[str]:
    return (missing([n]) for n in rendered.missing if is_secret(n) and n not in situation.awaited)


def _names(
    lang: str, binding: Binding, command: Command, filled: Iterable[Filled], situation: Situation
) -> Iterator[Open]:
    """Names that nobody has bound. One that an untrusted value gives must be bound by what it says."""
    where = f"services.{situation.service.name}.binds"
    needed = [("program", INTERPRETER)] if lang == PYTHON and INTERPRETER not in situation.table else []
    found = [(m.target.kind, m.target.name) for m in _unbound(binding, command)]
    for kind, name in dict.fromkeys((*needed, *found)):
        what = f"add {name}: {'as-is' if kind == 'program' else '…'} to {where} or give --bind {name}=VALUE"
        yield Open(kind, name, f"{kind} {name} is not bound: {what}")
    for name in dict.fromkeys(_led_astray(binding, filled, situation)):
        said = f"host {name}, which an earlier output or the incident names, is not bound: add it to {where}"
        yield Open("host", name, said)


def _unbound(binding: Binding, command: Command) -> Iterator[Mention]:
    for one in binding.open:
        match one.target.kind:
            case "program":
                if command.runner == "sh" and one.target.name not in UNBOUND:
                    yield one
            case "file":
                continue  # where it is missing, the program says so
            case "host" | "database":
                if command.runner not in OWN_TARGET and not one.target.name.startswith("$"):
                    yield one
            case _:
                yield one


def _led_astray(binding: Binding, filled: Iterable[Filled], situation: Situation) -> Iterator[str]:
    """Hosts that a captured value or the incident's text gives, and that are not bound themselves."""
    trusted = {s.said for s in situation.trusted}
    given = {f.name: f for f in filled if f.source}
    bound = {b.mention for b in binding.bound}
    for one in (*(b.mention for b in binding.bound), *binding.whole):
        doubtful = [given[h] for h in one.holes if h in given and given[h].source not in trusted]
        if one.target.kind != "host" or not doubtful or (one in bound and not one.holes):
            continue
        name = one.target.name
        for value in doubtful:
            name = name.replace(value.text, value.value)
        host = re.sub(r"^[a-z]+://|[/?#].*$", "", name)
        if not lookup(replace(one, target=replace(one.target, name=host)), "", situation.table):
            yield host


# ------------------------------------------------------------------ who does it


def _programs(binding: Binding) -> Iterator[Mention]:
    yield from (m for m in (*(b.mention for b in binding.bound), *binding.open) if m.target.kind == "program")


def _command(lang: str, binding: Binding, rendered: Rendered, verdict: Verdict, situation: Situation) -> Command:
    """By argument list to whoever stands in for the program, or to the program itself; by a shell where it must be."""
    text = rendered.text
    base = Command(
        "sh", text, "this machine", verdict.effect, verdict.why, env=rendered.env,
        sensitive=verdict.sensitive, endless=verdict.endless,
    )  # fmt: skip
    base = replace(base, timeout=WATCHED) if verdict.endless else base
    if lang in LANGUAGES - {"sh"}:
        return replace(base, runner=lang, target=situation.target(lang))
    if lang == PYTHON:
        return replace(base, args={"argv": [INTERPRETER, "-c", text]})
    whole = mask(binding.statement.text, binding.statement.placeholders) if rendered.missing else text
    argv = argument_list(_with_names(whole, binding))
    program = argv[0] if argv else ""
    files = _files(binding)
    if program and program not in LANGUAGES and situation.target(program):
        args: dict[str, object] = {"argv": argv, **_standing(program, argv, files)}
        return replace(base, runner=program, target=situation.target(program), args=args)
    return replace(base, args={**({"argv": argv} if argv else {}), **({"files": files} if files else {})})


def _standing(program: str, argv: list[str], files: Mapping[str, str]) -> dict[str, object]:
    """What a provider that stands in for a program gets beside the words."""
    if program == "psql":
        return {"sql": next((argv[i + 1] for i, w in enumerate(argv[:-1]) if w in ("-c", "--command")), "")}
    return {"files": {CURL_FORMAT_FILE: CURL_FORMAT, **files}} if program == "curl" else {}


def _files(binding: Binding) -> dict[str, str]:
    """The text of each file that is supplied."""
    return {b.mention.target.name: b.value.removeprefix(TEXT) for b in binding.of("file") if b.value.startswith(TEXT)}


def _with_names(text: str, binding: Binding) -> str:
    """``text`` with the name of each database's variable in its place: the provider has the address."""
    found = (*(b.mention for b in binding.bound), *binding.open)
    names = {m.target.name[1:] for m in found if m.target.kind == "database" and m.target.name.startswith("$")}
    either = "|".join(sorted(names, key=len, reverse=True))
    return re.sub(rf"\$(?:({either})\b|\{{({either})\}})", lambda m: m[1] or m[2], text) if names else text


def _refusals(command: Command, binding: Binding) -> Iterator[str]:
    """What stops a command that nobody can say anything about: a database given to a pipeline."""
    if command.runner == "psql" and not command.args.get("sql"):
        yield "only `psql -c STATEMENT` runs here: a file or input would bring statements that nobody has seen"
    if not command.target:
        yield f"nothing configured for this service runs {command.runner}"
    if command.runner == "sh" and any(m.target.name.startswith("$") for m in binding.open):
        yield "a database address is a secret and is not given to a shell; psql -c alone runs by the provider"


# ------------------------------------------------------------------ a typed action in a program's place


def _action(binding: Binding) -> tuple[Action, Bound] | None:
    found = ((action(b.value), b) for b in binding.of("program"))
    return next(((stands, b) for stands, b in found if stands), None)


def _by_action(
    stands: Action, bound: Bound, binding: Binding, filled: tuple[Filled, ...], verdict: Verdict, situation: Situation
) -> Routed:
    """The action, with ``$1`` … in its arguments as the words after the program's; no word may be left over."""
    rest = bound.mention.words[len(bound.key.split()) :]
    args, left = _arguments(stands, rest, {f.text: f for f in filled})
    reads = situation.reads(stands.name)
    said = f"{bound.key} stands for {stands.name}"
    judged = Verdict(Effect.READ, f"{said}, a read") if reads else verdict.at_least(Effect.CHANGE, said)
    text, target = call_text(stands.name, args), situation.target(stands.name, args)
    command = Command(stands.name, text, target, judged.effect, judged.why, args)
    refused = [] if target else [f"no target of {situation.service.name} offers the action {stands.name}"]
    if stands.whole:
        refused += [] if _its_own_line(binding, bound) else [f"{said}, and its line holds another command besides"]
    elif len([*_programs(binding)]) > 1 or binding.of("file") or any(m.target.kind == "file" for m in binding.open):
        refused.append(f"{said}, which cannot be a part of a pipeline or be redirected")
    elif left:
        refused.append(f"{said}, which does not say what becomes of {shlex.join(left)}: take it as $1 in its arguments")
    return Routed(command, (), tuple(refused), False, filled, (bound,))


def _its_own_line(binding: Binding, bound: Bound) -> bool:
    """Whether a line is the program's alone: it begins with it, and besides only filters its output or writes it."""
    text = _CONTINUED.sub(r"\1 ", binding.statement.text.strip())
    others = [m.target.name for m in _programs(binding) if m is not bound.mention]
    begins = tuple(text.split()[:1]) == bound.mention.words[:1]
    return begins and not re.search(r"[;&\n]|\|\|", text) and all(other in TEXT_TOOLS for other in others)


def _arguments(
    stands: Action, rest: tuple[str, ...], filled: Mapping[str, Filled]
) -> tuple[dict[str, object], list[str]]:
    """The arguments, and the words that none of them takes. A word that is an open placeholder, or holds one
    (``web:PREVIOUS_VERSION``), is left to the diagnosis."""
    given = [_given(word, filled) for word in rest]
    taken: set[int] = set()
    args: dict[str, object] = {}
    for key, value in stands.args.items():
        if not (isinstance(value, str) and re.fullmatch(r"\$[1-9]", value)):
            args[key] = value
            continue
        at = int(value[1:]) - 1
        taken.add(at)
        if at < len(given) and given[at]:
            args[key] = given[at]
    return args, [w for i, w in enumerate(given) if i not in taken and w]


def _given(word: str, filled: Mapping[str, Filled]) -> str | None:
    """A word with its placeholders' values put in; None where one of them has none."""
    for text, found in filled.items():
        if word == text:
            return found.value
        pattern = rf"(?<!\w){re.escape(text)}(?!\w)"
        if text and re.search(pattern, word):
            if not found.value:
                return None
            word = re.sub(pattern, lambda _, value=found.value: value, word)  # type: ignore[misc]
    return word
