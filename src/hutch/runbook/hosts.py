"""What a statement reaches: the hosts, clusters, buckets, databases, files and programs that it names.

Bindings are checked against these; a thing that is not found here is not thereby allowed, since effects and providers
have rules of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from hutch.model.runbook import Statement, Target
from hutch.runbook.placeholders import SHELL
from hutch.runbook.shell_lex import Lexer

_URL = re.compile(r"\b(https?|wss?|ftp|postgres(?:ql)?|rediss?)://([^\s/'\"`?#;|&<>()]+)", re.IGNORECASE)
_BUCKET = re.compile(r"\b(?:s3|gs)://([^\s/'\"]+)")
_DATABASE = re.compile(r"\$\{?(\w*(?:DATABASE|POSTGRES|PG|DB|REDIS)_?UR[IL])\}?")
_FILE = re.compile(r"(?:(?<=\s)|(?<=[\"'=]))@([\w./-]+)")
_STDIN = re.compile(r"(?<![<\d])<\s*([\w./~-]+)")
_HOST = re.compile(r"^(?:[^\s@]+@)?([a-z0-9-]+(?:\.[a-z0-9-]+)+)(?::\d+)?(?:/\S*)?$", re.IGNORECASE)
_ASSIGNMENT = re.compile(r"^[A-Za-z_]\w*=")

NETWORK = frozenset({"curl", "wget", "ping", "dig", "host", "nslookup", "ssh", "scp", "nc", "telnet", "traceroute"})
"""Programs whose bare arguments are hosts."""

SCRIPTS = frozenset({"npm", "pnpm", "yarn", "make", "rake"})
"""Programs that run somebody's script: the script belongs to the name, as in ``npm run db:migrate``."""

OPTIONS: Mapping[str, str] = {
    "cluster": "cluster",
    "services": "service",
    "service": "service",
    "family": "service",
    "family-prefix": "service",
    "secret-id": "resource",
    "log-group-name": "resource",
    "db-instance-identifier": "database",
    "host": "host",
    "hostname": "host",
}
"""Long options whose value names a target, and its kind."""

_OPTION = re.compile(rf"--({'|'.join(sorted(OPTIONS, key=len, reverse=True))})(?:\s+|=)(\S+)")


def targets(statement: Statement, lang: str) -> tuple[Target, ...]:
    """Everything outside that a statement names, each once, in order."""
    text = statement.text
    found = [Target("host", f"{m[1].lower()}://{m[2].rpartition('@')[2]}") for m in _URL.finditer(text)]
    if lang in SHELL:
        found += _of_shell(text)
    return tuple(dict.fromkeys(found))


def _of_shell(text: str) -> Iterator[Target]:
    yield from (Target("bucket", m[1]) for m in _BUCKET.finditer(text))
    yield from (Target("database", f"${m[1]}") for m in _DATABASE.finditer(text))
    yield from (Target(OPTIONS[m[1]], m[2].strip("'\"")) for m in _OPTION.finditer(text))
    yield from (Target("file", m[1]) for m in _FILE.finditer(text))
    yield from (Target("file", m[1]) for m in _STDIN.finditer(text))
    for words in commands(text):
        yield Target("program", _program(words))
        if words[0] in NETWORK:
            yield from (Target("host", m[1]) for w in words[1:] if (m := _HOST.match(w)) and "://" not in w)


def _program(words: list[str]) -> str:
    if words[0] not in SCRIPTS:
        return words[0]
    return " ".join(w for w in words[:3] if not w.startswith("-"))


def commands(text: str) -> Iterator[list[str]]:
    """The words of each simple command: of pipelines, lists and substitutions. Quotes are taken off roughly."""
    outer: list[tuple[list[str], str]] = []
    words: list[str] = []
    current = ""
    for token in Lexer(text).tokens:
        piece = text[token.start : token.end]
        if token.kind == "open":
            outer.append((words, current))
            words, current = [], ""
        elif token.kind == "close" and outer:
            yield from _command([*words, current])
            words, current = outer.pop()
            current += "$"  # what the substitution gives is part of the word around it
        elif token.kind in ("space", "newline", "op", "comment", "continued"):
            words, current = [*words, current], ""
            if token.kind == "newline" or (token.kind == "op" and piece[0] in "|&;()"):
                yield from _command(words)
                words = []
        elif token.kind != "body":
            current += piece.strip("'\"") if token.kind == "quote" else piece
    for rest, last in (*outer, (words, current)):
        yield from _command([*rest, last])


def _command(words: list[str]) -> Iterator[list[str]]:
    bare = [w.strip("'\"") for w in words if w]
    while bare and _ASSIGNMENT.match(bare[0]):
        bare.pop(0)
    if bare and bare[0]:
        yield bare
