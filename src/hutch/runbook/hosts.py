"""What of the outside a statement names: the finding half of bindings (DESIGN §3).

Hosts of URLs, programs, clusters, services, buckets, databases, files and other named resources, each once, in order.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from hutch.model.runbook import Placeholder, Statement, Target
from hutch.runbook.placeholders import SHELLS
from hutch.runbook.render_shell import mask
from hutch.runbook.shell_words import Word, commands

FLAGS: Mapping[str, str] = {
    "--cluster": "cluster", "--context": "cluster", "--kube-context": "cluster", "--service": "service",
    "--services": "service", "--bucket": "bucket", "--db-instance-identifier": "database", "--dbname": "database",
    "--replication-group-id": "database", "--host": "host", "--server": "host",
}  # fmt: skip
"""Options whose value names something of the outside."""

PROGRAM_FLAGS: Mapping[tuple[str, str], str] = {
    ("psql", "-h"): "host", ("psql", "-d"): "database", ("psql", "-f"): "file", ("pg_dump", "-h"): "host",
    ("pg_dump", "-d"): "database", ("pg_restore", "-h"): "host", ("pg_restore", "-d"): "database",
    ("pg_isready", "-h"): "host", ("redis-cli", "-h"): "host", ("mysql", "-h"): "host", ("curl", "-K"): "file",
    ("docker", "-H"): "host",
}  # fmt: skip
"""Short options that mean this for one program only."""

HOST_PROGRAMS = frozenset(
    {"ssh", "ping", "dig", "nslookup", "host", "nc", "telnet", "traceroute", "mtr", "whois", "ftp"}
)
"""Programs whose plain words are hosts."""

URL_PROGRAMS = frozenset({"curl", "wget", "open", "xdg-open", "http", "https"})
"""Programs that take a host without ``https://`` before it."""

VALUE_FLAGS = frozenset(
    {"-o", "-O", "-w", "-d", "-H", "-K", "-T", "-u", "-A", "-e", "-b", "-c", "-X", "-F", "-E", "-m"}
)
"""Options of those whose next word is no address."""

SCRIPT_RUNNERS = frozenset({"npm", "pnpm", "yarn", "bun", "make", "rake", "just", "task"})
"""Programs that run a script of the project: the script belongs to the name."""

WRAPPERS = frozenset({"sudo", "env", "nohup", "time", "timeout", "watch", "xargs", "nice", "command", "exec"})
"""Programs that run the program in their next plain word."""

MOST_WRAPPERS = 20
"""Programs through which one is run that are looked through; the effect of what goes on is a change, whatever it is."""

MOST_MISSED = 20
"""Addresses of one word that are sought in vain, since quotes stand within them, before the others are not sought."""

_URL = re.compile(
    r"\b(?P<scheme>[a-z][a-z0-9+.-]{0,60})://(?:[^\s/@'\"]*@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]+\](?::\d+)?|(?:<[^<>\n]*>|\{\{[^{}\n]*\}\}|[^\s/?#'\"`|;&()<>\\])+)"
)
_VARIABLE = re.compile(r"\$\{?(\w+)\}?")
_DATABASE = re.compile(r"DATABASE|POSTGRES|PG|DB|REDIS|MYSQL|MONGO")
_ADDRESS = re.compile(r"URL|URI|DSN")
_HOST_NAME = re.compile(r"(?:[\w.-]+@)?((?:[\w-]+\.)+[A-Za-z]{2,}|localhost|(?:\d{1,3}\.){3}\d{1,3}|\[[^\]]+\])")
_HOST_AND_PATH = re.compile(r"((?:(?:[\w-]+\.)+[A-Za-z]{2,}|localhost|(?:\d{1,3}\.){3}\d{1,3})(?::\d+)?)(?:[/?#].*)?")
_METHOD = re.compile(r"\s*(?:[A-Za-z-]+[ \t]+)?")
_BUCKET_SCHEMES = frozenset({"s3", "gs", "r2"})
_DATABASE_SCHEMES = frozenset({"postgres", "postgresql", "redis", "rediss", "mysql", "mongodb"})
_FILE = re.compile(r"@([\w./~-]+)")
_NO_FILES = frozenset({"/dev/null", "/dev/stdout", "/dev/stderr", "-"})


@dataclass(frozen=True, slots=True)
class Mention:
    """Where a statement names a target: ``start`` and ``end`` are offsets in its text, both -1 where the name does not
    stand there as one piece. ``begins`` is where a host's address begins, its scheme included; -1 where nothing but a
    host may stand.

    ``words`` are what a program is called with, itself first, and ``ends`` where each ends; ``holes`` are the
    placeholders in the name. ``whole``: the name is nothing but a placeholder: whoever gives the value names the thing.
    """

    target: Target
    start: int = -1
    end: int = -1
    begins: int = -1
    words: tuple[str, ...] = ()
    ends: tuple[int, ...] = ()
    holes: tuple[str, ...] = ()
    whole: bool = False
    reads: bool = False  # of a file: what it holds is read


@dataclass(frozen=True, slots=True)
class _Named:
    """A word: its value (as it is written where a placeholder stands in it), its text, and where that begins;
    ``opens`` is the placeholder that it begins with."""

    value: str
    raw: str
    at: int
    opens: str = ""

    def find(self, kind: str, name: str, address: str = "", after: int = 0) -> Mention:
        """The first mention of ``name`` from the offset ``after`` on; ``address`` is what stands right before it."""
        found = self.raw.find(address + name, after)
        if found < 0:
            return Mention(Target(kind, name))
        begins = self.at + found
        start = begins + len(address)
        return Mention(Target(kind, name), start, start + len(name), begins)


def targets(statement: Statement, lang: str) -> tuple[Target, ...]:
    """What ``statement`` names, each once. A host may hold a placeholder (``[PROJECT_ID].supabase.co``); one that is
    nothing but a placeholder is left out: whoever gives the value names the host."""
    return tuple(dict.fromkeys(m.target for m in mentions(statement, lang) if not m.whole))


def mentions(statement: Statement, lang: str) -> tuple[Mention, ...]:
    """Every place where ``statement`` names something of the outside."""
    found: Iterator[Mention] = iter(())
    if lang in SHELLS:
        found = _shell(statement)
    elif lang == "http":
        found = _request(statement)
    ends = [p.end for p in statement.placeholders]
    return tuple(_with_holes(m, statement, ends) for m in dict.fromkeys(found))


def _with_holes(mention: Mention, statement: Statement, ends: Sequence[int]) -> Mention:
    inside: list[Placeholder] = []
    at = bisect_right(ends, mention.start) if mention.start >= 0 else len(ends)
    while at < len(ends) and (one := statement.placeholders[at]).start < mention.end:
        inside.append(one)
        at += 1
    if not inside or mention.target.name.startswith("$"):
        return mention
    whole = mention.target.name == inside[0].text
    return replace(mention, holes=tuple(one.name for one in inside), whole=whole)


def _shell(statement: Statement) -> Iterator[Mention]:
    ends = [p.end for p in statement.placeholders]
    for command in commands(mask(statement.text, statement.placeholders)):
        words = [_as_written(word, statement, ends) for word in command.words]
        yield from _of(words)
        read = {word.start for word in command.inputs}
        for one in command.files:
            file = _as_written(one, statement, ends)
            if file.value not in _NO_FILES:
                yield replace(file.find("file", file.value), reads=one.start in read)


def _of(words: list[_Named]) -> Iterator[Mention]:
    """What one simple command names; a wrapper such as ``sudo`` counts, and so does what it runs."""
    program = ""
    for _ in range(MOST_WRAPPERS):
        if not words:
            break
        values = [w.value for w in words]
        program = values[0].rsplit("/", 1)[-1]
        cuts = tuple(w.at + len(w.raw) for w in words)
        target = Target("program", _script(program, values))
        yield Mention(target, words[0].at, cuts[0], words=(program, *values[1:]), ends=cuts)
        inner = _wrapped(values) if program in WRAPPERS else 0
        if not inner:
            break
        words = words[inner:]
    for word in words:
        yield from _urls(word)
        for found in _VARIABLE.finditer(word.value):
            if _names_database(found[1]):
                yield word.find("database", f"${found[1]}")
    yield from _options(program, words)
    yield from _arguments(program, words)


def _names_database(variable: str) -> bool:
    """``DATABASE_URL``, ``MYSQL_REPLICA_DSN``: what it is, and after that what of it."""
    found = _DATABASE.search(variable)
    return found is not None and _ADDRESS.search(variable, found.end()) is not None


def _script(program: str, words: list[str]) -> str:
    """The program's name; with its script where it runs somebody's: ``npm run db:migrate``."""
    if program not in SCRIPT_RUNNERS:
        return program
    plain = [w for w in words[1:] if not w.startswith("-")]
    return " ".join((program, *plain[: 2 if plain[:1] == ["run"] else 1]))


def _wrapped(words: list[str]) -> int:
    """Where what a wrapper runs begins: at its first word that is neither option, assignment nor figure; 0 for none."""
    plain = (i for i, w in enumerate(words) if i and not (w.startswith("-") or "=" in w or w[:1].isdigit()))
    return next(plain, 0)


def _as_written(word: Word, statement: Statement, ends: Sequence[int]) -> _Named:
    """The word's value; one with a placeholder in it as it stands in the document."""
    raw = statement.text[word.start : word.end]
    at = bisect_right(ends, word.start)
    if at < len(ends) and (one := statement.placeholders[at]).start < word.end:
        return _Named(raw.strip("\"'"), raw, word.start, one.text if one.start <= word.start + 1 else "")
    return _Named(word.value, raw, word.start)


def _urls(word: _Named) -> Iterator[Mention]:
    at = missed = 0
    for found in _URL.finditer(word.value):
        scheme, host = found["scheme"], found["host"]
        kind = "bucket" if scheme in _BUCKET_SCHEMES else "database" if scheme in _DATABASE_SCHEMES else "host"
        if scheme == "file":
            continue
        address = word.value[found.start() : found.start("host")]
        one = word.find(kind, host, address, at) if missed < MOST_MISSED else Mention(Target(kind, host))
        missed += one.start < 0
        at = max(one.end - word.at, at)
        yield one


def _options(program: str, words: list[_Named]) -> Iterator[Mention]:
    for at, word in enumerate(words):
        flag, equals, joined = word.value.partition("=")
        kind = FLAGS.get(flag) or PROGRAM_FLAGS.get((program, flag))
        named = word if joined else words[at + 1] if at + 1 < len(words) else None
        value = joined or (named.value if named else "")
        if kind and named and value and not value.startswith("-") and "://" not in value:
            yield replace(named.find(kind, value, flag + equals if joined else ""), begins=-1)


def _arguments(program: str, words: list[_Named]) -> Iterator[Mention]:
    for before, word in pairwise(words):
        if program == "curl" and (file := _FILE.fullmatch(word.value)):
            yield replace(word.find("file", file[1], "@"), reads=True)
        elif found := _host_word(program, before.value, word.value):
            one = word.find("host", found[1], word.value[: found.start(1)])
            yield replace(one, begins=-1) if program in HOST_PROGRAMS else one
        elif word.opens and "://" not in word.value and _takes_host(program, before.value):
            yield word.find("host", word.opens)


def _host_word(program: str, before: str, word: str) -> re.Match[str] | None:
    """A plain word that is a host for this program."""
    if not _takes_host(program, before):
        return None
    return _HOST_NAME.fullmatch(word) if program in HOST_PROGRAMS else _HOST_AND_PATH.fullmatch(word)


def _takes_host(program: str, before: str) -> bool:
    return program in HOST_PROGRAMS or (program in URL_PROGRAMS and before not in VALUE_FLAGS)


def _request(statement: Statement) -> Iterator[Mention]:
    text, first = statement.text, statement.placeholders[:1]
    if first and _METHOD.fullmatch(text, 0, first[0].start):
        yield Mention(Target("host", first[0].text), first[0].start, first[0].end, first[0].start)
    yield from _urls(_Named(text, text, 0))
