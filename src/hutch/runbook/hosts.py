"""What of the outside a statement names: the finding half of bindings (DESIGN §3).

Hosts of URLs, programs, clusters, services, buckets, databases, files and other named resources, each once, in order.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from hutch.model.runbook import Statement, Target
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

_URL = re.compile(
    r"\b(?P<scheme>[a-z][a-z0-9+.-]*)://(?:[^\s/@'\"]*@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]+\](?::\d+)?|(?:<[^<>\n]*>|\{\{[^{}\n]*\}\}|[^\s/?#'\"`|;&()<>\\])+)"
)
_DATABASE_VARIABLE = re.compile(r"\$\{?(\w*(?:DATABASE|POSTGRES|PG|DB|REDIS|MYSQL|MONGO)\w*(?:URL|URI|DSN)\w*)\}?")
_HOST_NAME = re.compile(r"(?:[\w.-]+@)?((?:[\w-]+\.)+[A-Za-z]{2,}|localhost|(?:\d{1,3}\.){3}\d{1,3}|\[[^\]]+\])")
_HOST_AND_PATH = re.compile(r"((?:(?:[\w-]+\.)+[A-Za-z]{2,}|localhost|(?:\d{1,3}\.){3}\d{1,3})(?::\d+)?)(?:[/?#].*)?")
_BUCKET_SCHEMES = frozenset({"s3", "gs", "r2"})
_DATABASE_SCHEMES = frozenset({"postgres", "postgresql", "redis", "rediss", "mysql", "mongodb"})
_FILE = re.compile(r"@([\w./~-]+)")
_NO_FILES = frozenset({"/dev/null", "/dev/stdout", "/dev/stderr", "-"})


def targets(statement: Statement, lang: str) -> tuple[Target, ...]:
    """What ``statement`` names. A host may hold a placeholder (``[PROJECT_ID].supabase.co``); one that is nothing but
    a placeholder is left out: whoever gives the value names the host."""
    found: Iterator[Target] = iter(())
    if lang in SHELLS:
        found = _shell(statement)
    elif lang == "http":
        found = _urls(statement.text)
    return tuple(dict.fromkeys(found))


def _shell(statement: Statement) -> Iterator[Target]:
    whole = {p.text for p in statement.placeholders}
    ends = [p.end for p in statement.placeholders]
    for command in commands(mask(statement.text, statement.placeholders)):
        words = [_as_written(word, statement, ends) for word in command.words]
        yield from (t for t in _of(words) if t.kind != "host" or t.name not in whole)
        for file in command.files:
            if (name := _as_written(file, statement, ends)) not in _NO_FILES:
                yield Target("file", name)


def _of(words: list[str]) -> Iterator[Target]:
    """The targets of one simple command; a wrapper such as ``sudo`` counts, and so does what it runs."""
    program = ""
    while words:
        program = words[0].rsplit("/", 1)[-1]
        yield Target("program", _script(program, words))
        inner = _wrapped(words) if program in WRAPPERS else []
        if not inner:
            break
        words = inner
    for word in words:
        yield from _urls(word)
        yield from (Target("database", f"${name}") for name in _DATABASE_VARIABLE.findall(word))
    yield from _options(program, words)
    yield from _arguments(program, words)


def _script(program: str, words: list[str]) -> str:
    """The program's name; with its script where it runs somebody's: ``npm run db:migrate``."""
    if program not in SCRIPT_RUNNERS:
        return program
    plain = [w for w in words[1:] if not w.startswith("-")]
    return " ".join((program, *plain[: 2 if plain[:1] == ["run"] else 1]))


def _wrapped(words: list[str]) -> list[str]:
    """What a wrapper runs: from its first word that is neither option, assignment nor figure."""
    at = next((i for i, w in enumerate(words) if i and not (w.startswith("-") or "=" in w or w[:1].isdigit())), None)
    return words[at:] if at else []


def _as_written(word: Word, statement: Statement, ends: Sequence[int]) -> str:
    """The word's value; one with a placeholder in it as it stands in the document."""
    at = bisect_right(ends, word.start)
    if at < len(ends) and statement.placeholders[at].start < word.end:
        return statement.text[word.start : word.end].strip("\"'")
    return word.value


def _urls(text: str) -> Iterator[Target]:
    for found in _URL.finditer(text):
        scheme, host = found["scheme"], found["host"]
        if scheme in _BUCKET_SCHEMES:
            yield Target("bucket", host)
        elif scheme in _DATABASE_SCHEMES:
            yield Target("database", host)
        elif scheme != "file":
            yield Target("host", host)


def _options(program: str, words: list[str]) -> Iterator[Target]:
    for at, word in enumerate(words):
        flag, _, joined = word.partition("=")
        kind = FLAGS.get(flag) or PROGRAM_FLAGS.get((program, flag))
        value = joined or (words[at + 1] if at + 1 < len(words) else "")
        if kind and value and not value.startswith("-") and "://" not in value:
            yield Target(kind, value)


def _arguments(program: str, words: list[str]) -> Iterator[Target]:
    for before, word in pairwise(words):
        if program == "curl" and (found := _FILE.fullmatch(word)):
            yield Target("file", found[1])
        elif found := _host_word(program, before, word):
            yield Target("host", found[1])


def _host_word(program: str, before: str, word: str) -> re.Match[str] | None:
    """A plain word that is a host for this program."""
    if program in HOST_PROGRAMS:
        return _HOST_NAME.fullmatch(word)
    return _HOST_AND_PATH.fullmatch(word) if program in URL_PROGRAMS and before not in VALUE_FLAGS else None
