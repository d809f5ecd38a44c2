"""The simple commands of a shell statement: words, quotes removed as far as text tells, and redirections.

Commands in pipelines, lists, groups and substitutions each count. What is expanded (``$X``, ``$(…)``) stays as written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from hutch.runbook.shell_lex import Lexer, Quoting, Token

SKIPPED = frozenset({
    "if", "then", "else", "elif", "fi", "for", "while", "until", "do", "done", "case", "esac", "{", "}", "!", "time",
    "function", "in", "select",
})  # fmt: skip
"""Words of the shell's grammar: the command begins after them."""

_HEADS = {"for": "do", "select": "do", "case": "in"}
"""Words that begin a head, in which no command stands, and the word that ends it; a ``for`` also ends with its line."""

_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=")
_REDIRECTS = frozenset({"<", ">", ">>", "&>", "&>>", ">|", "<>", "<<<"})
_UNESCAPED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Word:
    """One word: its ``value`` without quotes, and where it stands in the statement."""

    value: str
    start: int
    end: int
    quoted: bool = False


@dataclass(slots=True)
class Command:
    """A simple command. ``files`` are the targets of its redirections to and from files, ``inputs`` those it reads.

    ``head`` is, while the head of a loop or a ``case`` is read, the word that ends it.
    """

    start: int
    words: list[Word] = field(default_factory=list)
    files: list[Word] = field(default_factory=list)
    inputs: list[Word] = field(default_factory=list)
    head: str = ""

    @property
    def program(self) -> str:
        """The name of the program, without its folder; empty for a mere assignment."""
        return self.words[0].value.rsplit("/", 1)[-1] if self.words else ""

    def values(self) -> list[str]:
        """The words' values, the program first."""
        return [word.value for word in self.words]


class _Reader:
    """Groups tokens into words and words into commands, one level for each ``(``, ``$(`` or backtick."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.done: list[Command] = []
        self.levels: list[tuple[Command, list[Token], str]] = []
        self.command = Command(0)
        self.word: list[Token] = []
        self.redirect = ""

    def read(self, tokens: Iterable[Token]) -> list[Command]:
        for token in tokens:
            self._take(token)
        while self.levels:
            self._leave(len(self.text))
        self._end_command(len(self.text))
        return sorted(self.done, key=lambda c: c.start)

    def _take(self, token: Token) -> None:
        if token.kind == "open":
            self._enter(token)
        elif token.kind == "close" and self.levels:
            self._leave(token.start)
            self.word += [token] if self.word else []
        elif token.kind == "op" and token.quoting is Quoting.PLAIN:
            self._operator(token)
        elif token.kind in {"newline", "continued"} and token.quoting is Quoting.PLAIN:
            self._end_command(token.start)
        elif token.kind == "space" and token.quoting is Quoting.PLAIN:
            self._end_word()
        elif token.kind not in {"comment", "body"}:
            self.word.append(token)

    def _enter(self, token: Token) -> None:
        within = bool(self.word) or self.text[token.start] != "("
        if not within:
            self._end_command(token.start)
        self.levels.append((self.command, [*self.word, token] if within else [], self.redirect))
        self.command, self.word, self.redirect = Command(token.end), [], ""

    def _leave(self, at: int) -> None:
        self._end_command(at)
        self.command, self.word, self.redirect = self.levels.pop()

    def _operator(self, token: Token) -> None:
        if "".join(self.text[t.start : t.end] for t in self.word).isdigit():
            self.word = []  # the number of a descriptor: 2>&1
        self._end_word()
        operator = self.text[token.start : token.end]
        if operator[0] in "<>" or operator in _REDIRECTS:
            self.redirect = operator
        else:
            self._end_command(token.end)

    def _end_word(self) -> None:
        if not self.word:
            return
        word = _word(self.text, self.word)
        self.word = []
        if self.redirect:
            if self.redirect in _REDIRECTS and self.redirect != "<<<":
                self.command.files.append(word)
                self.command.inputs += [word] if self.redirect == "<" else []
            self.redirect = ""
        elif self.command.head:
            self.command.head = "" if word.value == self.command.head else self.command.head
        elif self.command.words or not (word.value in SKIPPED or _ASSIGNMENT.match(word.value)):
            self.command.words.append(word)
        else:
            self.command.head = _HEADS.get(word.value, "")

    def _end_command(self, at: int) -> None:
        self._end_word()
        if self.command.words or self.command.files:
            self.done.append(self.command)
        self.command, self.redirect = Command(at), ""


def _word(text: str, tokens: list[Token]) -> Word:
    quoted = any(t.kind == "quote" or t.quoting in {Quoting.SINGLE, Quoting.ANSI} for t in tokens)
    start, end = tokens[0].start, tokens[-1].end
    if any(t.kind == "open" for t in tokens):
        return Word(text[start:end], start, end, quoted)
    return Word("".join(_value(text, t) for t in tokens), start, end, quoted)


def _value(text: str, token: Token) -> str:
    raw = text[token.start : token.end]
    if token.kind == "quote":
        return ""
    if token.quoting is Quoting.SINGLE:
        return raw[1:].removesuffix("'")
    if token.quoting is Quoting.ANSI:
        return raw[2:].removesuffix("'")
    return _UNESCAPED.sub(r"\1", raw) if raw.startswith("\\") and len(raw) == 2 else raw


def commands(text: str, tokens: Iterable[Token] | None = None) -> list[Command]:
    """The simple commands of ``text``, in order; ``tokens`` saves lexing it again."""
    return _Reader(text).read(Lexer(text).tokens if tokens is None else tokens)
