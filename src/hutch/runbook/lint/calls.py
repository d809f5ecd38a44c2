"""The programs that a shell statement calls, with wrappers like ``sudo`` taken off, and the options they are given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from hutch.runbook.shell_words import Command, Word, commands

WRAPPERS = frozenset({"sudo", "doas", "env", "nohup", "time", "exec", "command", "nice", "ionice", "stdbuf", "timeout"})
"""Programs that run the command after them."""

LEADING = frozenset({
    "--profile", "--region", "--output", "-n", "--namespace", "--context", "--kubeconfig", "--cluster", "-C", "--scope",
    "--token", "--cwd", "-S", "-T", "-t", "-s", "--service", "-e", "--environment", "--endpoint-url", "-f", "-p",
    "-u", "--user", "-w", "--workdir",
})  # fmt: skip
"""Options with a value that may stand before a subcommand or between its words."""

INSIDE = (("kubectl", "exec"), ("oc", "exec"), ("docker", "exec"), ("podman", "exec"))
"""Commands that run another one somewhere else."""

SUBSTITUTION = ("$(", "`")


@dataclass(frozen=True, slots=True)
class Call:
    """A program and its arguments. ``feeds`` is the call whose output it reads through a pipe, ``files`` what it
    reads by ``<``."""

    program: str
    args: tuple[str, ...]
    feeds: Call | None = None
    files: tuple[str, ...] = ()

    def has(self, *options: str) -> bool:
        """Whether any of the options is given, alone, as ``--x=…`` or (one letter) in a bundle like ``-rf``."""
        return any(_gives(arg, option) for arg in self.args for option in options)

    def value(self, *options: str) -> str | None:
        """The value of the first of the options that is given, or None."""
        return next(self.values(*options), None)

    def values(self, *options: str) -> Iterator[str]:
        """Every value that the options are given."""
        for at, arg in enumerate(self.args):
            if arg in options and at + 1 < len(self.args):
                yield self.args[at + 1]
            elif arg.startswith("--") and "=" in arg and arg.partition("=")[0] in options:
                yield arg.partition("=")[2]

    def operands(self) -> list[str]:
        """The arguments that are no options, nor values of the options in :data:`LEADING`."""
        found, skip = [], False
        for arg in self.args:
            if skip:
                skip = False
            elif arg.startswith("-") and len(arg) > 1:
                skip = arg in LEADING
            else:
                found.append(arg)
        return found

    def is_(self, path: str) -> bool:
        """Whether it calls ``path``, a program and its subcommands: ``aws ecs update-service``."""
        program, *subs = path.split()
        return program == self.program and self.operands()[: len(subs)] == subs


def _gives(arg: str, option: str) -> bool:
    if arg == option or (option.startswith("--") and arg.startswith(f"{option}=")):
        return True
    bundle = len(option) == 2 and arg.startswith("-") and not arg.startswith("--") and arg[1:].isalpha()
    return bundle and len(arg) <= 6 and option[1] in arg[1:]


def calls(text: str) -> tuple[Call, ...]:
    """The calls of a shell statement, in order; those that another program starts come after it."""
    return tuple(_calls(text, commands(text)))


def _calls(text: str, found: Iterable[Command]) -> Iterator[Call]:
    before: Call | None = None
    end = 0
    for command in found:
        words = [*_unwrapped(command.words)]
        if not words:
            continue
        piped = before if text[end : command.words[0].start].strip() in {"|", "|&"} else None
        files = tuple(w.value for w in command.files if text[: w.start].rstrip().endswith("<"))
        program = words[0].value.rsplit("/", 1)[-1]
        before = Call(program, tuple(w.value for w in words[1:]), piped, files)
        end = max(w.end for w in (*command.words, *command.files))
        yield before
        yield from _inner(before)


def _unwrapped(words: Sequence[Word]) -> Iterator[Word]:
    rest = list(words)
    while rest and rest[0].value.rsplit("/", 1)[-1] in WRAPPERS:
        timed = rest.pop(0).value == "timeout"
        while rest and (rest[0].value.startswith("-") or "=" in rest[0].value):
            takes = rest.pop(0).value in {"-u", "-g", "-n", "-k", "-s"}
            if takes and rest:
                rest.pop(0)
        if timed and rest:
            rest.pop(0)
    return iter(rest)


def _inner(call: Call) -> Iterator[Call]:
    """What ``kubectl exec POD -- …`` and ``docker exec NAME …`` run."""
    if (call.program, (call.operands() or [""])[0]) not in INSIDE:
        return
    if "--" in call.args:
        words = call.args[call.args.index("--") + 1 :]
    else:
        after = call.args.index("exec") + 1
        words = tuple(a for a in call.args[after:] if not (a.startswith("-") and a[1:].strip("it") == ""))[1:]
    if words:
        yield Call(words[0].rsplit("/", 1)[-1], words[1:])
