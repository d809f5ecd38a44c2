"""Sessions copied from a terminal: which lines were typed, and into what.

A shell's (``$ ``, ``ops@web-1:~$ ``, ``[root@db /]# ``, ``bash-5.1$ ``), psql's (``shop=# ``) and redis-cli's
(``127.0.0.1:6379> ``). What was typed keeps its line; prompts and output become empty lines. In a shell's session a
query typed into psql reads ``psql -c '…'`` and a command typed into redis-cli ``redis-cli …``, so that each is judged
for what it does. Python's and other programs' prompts are output: nothing of theirs runs.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from itertools import takewhile

from hutch.runbook.shell_lex import Lexer

PROMPT = re.compile(
    r"""^\s*(?:\([\w.-]+\)\s*)?(?:\[[^\]\n]{1,80}\]|[\w.-]+@[\w.-]+(?::[^\s$\#%]*|[ ][^\s$\#%]+)?\s?
    |[\w.-]+:[~/][^\s$\#%]*\s?|(?:ba|z|k|da|a)?sh-\d[\d.]*)?[$\#%❯](?:\s+|$)
    |^\s*➜\s+\S+\s+(?:git:\(\S+\)\s+)?(?:✗\s+)?""",
    re.VERBOSE,
)
"""What a shell prints before a command."""

PSQL = re.compile(r"^\s*[A-Za-z_][\w.-]*(?P<state>[=\-('\"$*!^]|=[*!])[#>](?:\s|$)")
"""What psql prints before a query; ``=`` begins one, anything else continues it."""

REDIS = re.compile(r"^\s*(?:redis(?:[\w.-]*|\s[\w./-]+)(?::\d{1,5})?|[\w.-]+:\d{2,5})(?:\[\d+\])?(?:\(TX\))?>(?:\s+|$)")
"""What redis-cli prints before a command."""

_HOSTED = re.compile(r"^(?:\[[\w.-]+@[^\]\n]{1,80}\]|[\w.-]+@[\w.-]+:\S*|bash-\d[\d.]*)\s?[$#]\s")
_TYPED = re.compile(r"\s*\$ +[A-Za-z./~]")
_ANGLE = re.compile(r"^\s*>(?: |$)")
_MAY_STAY_OPEN = re.compile(r"[\\'\"`({<|&]|\b(?:if|for|while|until|case|select|do|then)\b")


def spoken(text: str, lang: str) -> str:
    """The language of a block whose fence says ``lang``: ``sql`` for a session of psql alone, ``console`` for a block
    without a language whose first line was typed after ``$ ``, as many collections write them."""
    if not lang and _TYPED.match(text):
        return "console"
    return "sql" if lang in {"console", "bash", "sh", "shell"} and speaks_sql(text) else lang


def is_transcript(text: str) -> bool:
    """Whether a shell block is a session: its first line that is no comment begins with an unmistakable prompt."""
    first = next((s for line in text.split("\n") if (s := line.strip()) and not s.startswith("#")), "")
    return first.startswith("$ ") or any(pattern.match(first) for pattern in (_HOSTED, PSQL, REDIS))


def speaks_sql(text: str) -> bool:
    """Whether a block is a session of psql and of nothing else."""
    if "#" not in text and ">" not in text:
        return False
    lines = text.split("\n")
    first = next((line for line in lines if line.strip()), "")
    return bool(PSQL.match(first)) and not any(line.lstrip().startswith("$ ") or REDIS.match(line) for line in lines)


def queries(text: str) -> str:
    """What was typed in a session of psql, each line in its place."""
    return "\n".join(line[found.end() :] if (found := PSQL.match(line)) else "" for line in text.split("\n"))


def commands(text: str) -> str:
    """What was typed in a session of a shell, each line in its place.

    Where a prompt ends in ``$``, a line that begins with ``# `` is a comment; elsewhere it is root's prompt. ``> ``
    continues a command, or is the prompt where there is no other. A command that its line leaves open (a backslash at
    the end, a quote, a here-document) goes on where there is no such mark, too.
    """
    return "\n".join(_Session(text.split("\n")).read())


class _Session:
    """Goes through the lines of a session and remembers whether a command or a query is still being typed."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = lines
        self.dollars = any("$" in found[0] for line in lines if (found := PROMPT.match(line)))
        self.angles = not any(p.match(line) for line in lines for p in (PROMPT, PSQL, REDIS))
        self.typing = False
        self.query = False
        self.kept: list[str] = []

    def read(self) -> list[str]:
        while len(self.kept) < len(self.lines):
            line = self.lines[len(self.kept)]
            if not self._query(line):
                self.kept.append(self._line(line))
                if PROMPT.match(line):
                    self._go_on()
        self._end_query()
        return self.kept

    def _go_on(self) -> None:
        """Keep the lines without a mark that the command just typed goes on in."""
        first, at = self.kept[-1], len(self.kept)
        if _MAY_STAY_OPEN.search(first) and _ends_in(first, []) is None:
            following = list(takewhile(_unmarked, map(self.lines.__getitem__, range(at, len(self.lines)))))
            self.kept += following[: _ends_in(first, following) or 0]

    def _line(self, line: str) -> str:
        if self.dollars and line.lstrip().startswith("#"):
            self.typing = False
            return line
        if found := REDIS.match(line):
            self.typing = False
            return _redis(line[found.end() :])
        found = PROMPT.match(line) or (_ANGLE.match(line) if self.typing or self.angles else None)
        self.typing = found is not None
        return line[found.end() :] if found else ""

    def _query(self, line: str) -> bool:
        """Takes a line typed into psql; a new query ends the one before."""
        found = None if self.angles else PSQL.match(line)
        if found is None:
            self._end_query()
            return False
        typed = line[found.end() :].replace("'", "'\"'\"'")
        if found["state"].startswith("="):
            self._end_query()
        if not typed.strip():
            self.kept.append("")
            return True
        self.kept.append(typed if self.query else f"psql -c '{typed}")
        self.query = True
        return True

    def _end_query(self) -> None:
        if self.query:
            self.kept[-1] += "'"
        self.query = False


def _unmarked(line: str) -> bool:
    return not any(pattern.match(line) for pattern in (PROMPT, PSQL, REDIS, _ANGLE))


def _ends_in(first: str, following: Sequence[str]) -> int | None:
    """How many of the lines after its ``first`` a command takes; None where it does not end in them."""
    text = "\n".join((first, *following, ""))
    end = next((token.start for token in Lexer(text).tokens if token.kind == "newline"), None)
    return None if end is None else text.count("\n", 0, end)


def _redis(typed: str) -> str:
    """A command typed into redis-cli, its words quoted for a shell: ``KEYS *`` is no glob there."""
    try:
        words = shlex.split(typed)
    except ValueError:
        words = typed.split()
    return shlex.join(("redis-cli", *words)) if words else ""
