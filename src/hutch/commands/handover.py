"""Secrets that a shell statement's programs get: as variables of their own environment, and in no other way.

The value is never in the text, an argument list or the journal: a command carries ``NAME=env:WHERE`` and the value is
looked up when it is run. Only the programs that the configuration names get it, so a line that runs another one besides
is refused, and so is one in which the shell would put the value into an argument.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from hutch.model.config import Handover
from hutch.model.runbook import Placeholder
from hutch.runbook.placeholders import normal
from hutch.runbook.shell_words import Command, commands

OWN = frozenset(
    {"echo", "printf", "test", "[", "[[", ":", "true", "false", "cd", "export", "set", "umask", "sleep", "exit"}
)
"""The shell's own commands: no process begins, so what they are given stands in no argument list."""

FILTERS = frozenset({"cut", "grep", "head", "sort", "tail", "tr", "uniq", "wc"})
"""Programs that only pass on what they read; beside a program that gets a secret they may stand."""

SHORTEST = 6
"""Characters of a secret that can be hidden in an output without hiding innocent words."""


@dataclass(frozen=True, slots=True)
class Handed:
    """``secrets`` of a statement as a command carries them, and why it must not run."""

    secrets: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    names: frozenset[str] = frozenset()  # of placeholders that are no longer open


def handed(text: str, placeholders: Sequence[Placeholder], table: Mapping[str, Handover]) -> Handed:
    """What the programs of a shell statement get of ``table``."""
    found = commands(text) if table else []
    asked = {name: [p for p in placeholders if p.text in (f"${name}", f"${{{name}}}")] for name in table}
    given = [n for n, one in table.items() if asked[n] or any(_is(c, one.programs) for c in found)]
    return Handed(
        tuple(f"{name}={table[name].reference}" for name in given),
        tuple(said for name in given for said in _objections(name, table[name], found, asked[name])),
        frozenset(normal(name) for name in given if asked[name]),
    )


def _is(command: Command, programs: Sequence[str]) -> bool:
    """By the word as it is written: another program of the same name elsewhere is another one."""
    return bool(command.words) and command.words[0].value in programs


def _objections(name: str, secret: Handover, found: Sequence[Command], asked: Sequence[Placeholder]) -> Iterator[str]:
    running = [c for c in found if c.words and c.program not in OWN]
    others = [c.program for c in running if not _is(c, secret.programs) and c.program not in FILTERS]
    whose = ", ".join(secret.programs)
    if others:
        named = ", ".join(dict.fromkeys(others))
        yield f"the secret {name} is for {whose} alone, and this line also runs {named}: give each a line of its own"
    elif not any(_is(c, secret.programs) for c in running):
        yield f"the secret {name} is for {whose}, which this line does not run"
    for one in asked:
        holder = next((c for c in found if c.program not in OWN and _holds(c, one)), None)
        if holder:
            yield (
                f"${name} would stand in the argument list of {holder.program}, where every program of this machine"
                f" can read it: {holder.program} has {name} in its environment, or give it on standard input"
                f" (printf '%s' \"${name}\" | …)"
            )


def _holds(command: Command, one: Placeholder) -> bool:
    """Whether the placeholder stands in a word of the command, or in the name of a file that it writes or reads."""
    return any(word.start <= one.start < word.end for word in (*command.words, *command.files))


class Unhandable(LookupError):
    """A secret that cannot be handed over; the message never shows it."""


def name_of(entry: str) -> tuple[str, str]:
    """The variable and the reference of what a command carries: ``TOKEN=env:X`` is ``("TOKEN", "env:X")``."""
    name, _, reference = entry.partition("=")
    return name, reference


def checked(name: str, value: str) -> str:
    """The value, if it can be hidden wherever it turns up. Raises :class:`Unhandable`."""
    if len(value) < SHORTEST:
        raise Unhandable(f"the secret {name} is shorter than {SHORTEST} characters and could not be hidden")
    return value
