"""The programs that a shell statement calls, with wrappers like ``sudo`` taken off, and the options they are given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from hutch.runbook.shell_words import Command, Word, commands

WRAPPERS = frozenset({"sudo", "doas", "env", "nohup", "time", "exec", "command", "nice", "ionice", "stdbuf", "timeout"})
"""Programs that run the command after them."""

LONG = frozenset({
    "--profile", "--region", "--output", "--namespace", "--context", "--kubeconfig", "--cluster", "--scope", "--token",
    "--cwd", "--service", "--environment", "--endpoint-url", "--user", "--workdir", "--container", "--query",
    "--project",
})  # fmt: skip
"""Options with a value that may stand before a subcommand or between its words, in any program."""

_KUBERNETES = frozenset({"-n", "-l", "-s", "-c", "-o"})
_POSTGRES = frozenset({"-h", "-p", "-U", "-d", "-c", "-f", "-v", "-o", "-t", "-n", "-j", "-F"})
_REDIS = frozenset({"-h", "-p", "-a", "-n", "-u", "-s", "-r", "-i", "--pass"})
SHORT: Mapping[str, frozenset[str]] = {
    "kubectl": _KUBERNETES,
    "oc": _KUBERNETES,
    "helm": frozenset({"-n", "-f"}),
    "docker": frozenset({"-u", "-w", "-e", "-c", "-H"}),
    "podman": frozenset({"-u", "-w", "-e"}),
    "psql": _POSTGRES - {"-t"},
    "pg_dump": _POSTGRES,
    "pg_restore": _POSTGRES - {"-c"},
    "redis-cli": _REDIS,
    "valkey-cli": _REDIS,
    "vercel": frozenset({"-S", "-T", "-t", "-A", "-Q", "-b", "-e", "-m"}),
    "railway": frozenset({"-s", "-e", "-p"}),
    "git": frozenset({"-C", "-c"}),
    "systemctl": frozenset({"-n", "-o", "-p", "-t", "-H", "-M"}),
    "az": frozenset({"-g", "-n"}),
}
"""Short options with a value, by program."""

INSIDE = (("kubectl", "exec"), ("oc", "exec"), ("oc", "rsh"), ("docker", "exec"), ("podman", "exec"))
"""Commands that run another one somewhere else."""

SHELLS = frozenset({"sh", "bash", "zsh", "dash", "ksh", "su", "runuser"})
"""Programs that run the text given to their ``-c``."""

SSH_VALUES = frozenset(
    {"-i", "-p", "-l", "-o", "-F", "-J", "-L", "-R", "-D", "-b", "-c", "-E", "-e", "-m", "-O", "-S", "-W"}
)
XARGS_VALUES = frozenset({"-n", "-P", "-I", "-L", "-d", "-s", "-a", "-E"})
MOST_NESTED = 500
DEEPEST = 3
"""How often a command may run a command that is still looked at."""


@dataclass(frozen=True, slots=True)
class Call:
    """A program and its arguments. ``feeds`` is the call whose output it reads through a pipe, ``files`` what it
    reads by ``<``, ``written`` what it writes by ``>``."""

    program: str
    args: tuple[str, ...]
    feeds: Call | None = None
    files: tuple[str, ...] = ()
    written: tuple[str, ...] = ()

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
        """The arguments that are no options, nor values of the options in :data:`LONG` and :data:`SHORT`."""
        valued = LONG | SHORT.get(self.program, frozenset())
        found, skip = [], False
        for arg in self.args:
            if skip:
                skip = False
            elif arg.startswith("-") and len(arg) > 1:
                skip = arg in valued
            else:
                found.append(arg)
        return found

    def is_(self, path: str) -> bool:
        """Whether it calls ``path``, a program and its subcommands: ``aws ecs update-service``."""
        program, subs = _words(path)
        return program == self.program and self.operands()[: len(subs)] == subs


@lru_cache
def _words(path: str) -> tuple[str, list[str]]:
    program, *subs = path.split()
    return program, subs


def _gives(arg: str, option: str) -> bool:
    if arg == option or (option.startswith("--") and arg.startswith(f"{option}=")):
        return True
    bundle = len(option) == 2 and arg.startswith("-") and not arg.startswith("--") and arg[1:].isalpha()
    return bundle and len(arg) <= 6 and option[1] in arg[1:]


def calls(text: str) -> tuple[Call, ...]:
    """The calls of a shell statement, in order; those that another program starts come after it.

    None of a statement in which more is nested than a person reads: each level holds all that is in it.
    """
    nested = text.count("$(") + text.count("`") + text.count("(")
    return tuple(_calls(text, 0)) if nested <= MOST_NESTED else ()


def _calls(text: str, depth: int) -> Iterator[Call]:
    before: Call | None = None
    end = 0
    for command in commands(text):
        words = [*_unwrapped(command.words)]
        if not words:
            continue
        piped = before if text[end : command.words[0].start].strip() in {"|", "|&"} else None
        before = _call(text, command, words, piped)
        end = max(w.end for w in (*command.words, *command.files))
        yield before
        yield from _inner(before, depth)


def _call(text: str, command: Command, words: Sequence[Word], piped: Call | None) -> Call:
    read = tuple(w.value for w in command.files if text[: w.start].rstrip().endswith("<"))
    written = tuple(w.value for w in command.files if text[: w.start].rstrip().endswith((">", ">|")))
    return Call(_name(words[0].value), tuple(w.value for w in words[1:]), piped, read, written)


def _name(word: str) -> str:
    return word.rsplit("/", 1)[-1]


def _unwrapped(words: Sequence[Word]) -> Iterator[Word]:
    rest = list(words)
    while rest and _name(rest[0].value) in WRAPPERS:
        timed = rest.pop(0).value == "timeout"
        while rest and (rest[0].value.startswith("-") or "=" in rest[0].value):
            takes = rest.pop(0).value in {"-u", "-g", "-n", "-k", "-s"}
            if takes and rest:
                rest.pop(0)
        if timed and rest:
            rest.pop(0)
    return iter(rest)


# ------------------------------------------------------------------ commands in commands


def _inner(call: Call, depth: int) -> Iterator[Call]:
    """What ``kubectl exec POD -- …``, ``ssh HOST …``, ``bash -c …`` and ``xargs …`` run, fed as they are."""
    if depth == DEEPEST:
        return
    if call.program in SHELLS:
        for text in call.values("-c", "--command"):
            yield from _calls(text, depth + 1)
    elif call.program == "ssh":
        yield from _calls(" ".join(_after_options(call.args, SSH_VALUES)[1:]), depth + 1)
    elif words := _started(call):
        inner = Call(_name(words[0]), tuple(words[1:]), call.feeds, call.files, call.written)
        yield inner
        yield from _inner(inner, depth + 1)


def _started(call: Call) -> Sequence[str]:
    """The words of a command that another one starts as they are."""
    if call.program == "xargs":
        return _after_options(call.args, XARGS_VALUES)
    if (call.program, (call.operands() or [""])[0]) not in INSIDE:
        return ()
    if "--" in call.args:
        return call.args[call.args.index("--") + 1 :]
    first = next(at for at, arg in enumerate(call.args) if arg in {"exec", "rsh"})
    return [a for a in call.args[first + 1 :] if not (a.startswith("-") and a[1:].strip("it") == "")][1:]


def _after_options(args: Sequence[str], valued: frozenset[str]) -> Sequence[str]:
    """The arguments from the first that is no option, nor an option's value."""
    at = 0
    while at < len(args) and args[at].startswith("-"):
        at += 2 if args[at] in valued else 1
    return args[at:]
