"""Ruby as lines of words, enough for the declarative calls of Rails' migrations. Nothing is run. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from hutch.providers.migrations.words import READ_LIMIT, Unreadable


class Unknown(Enum):
    """A value that only running the script would tell."""

    VALUE = "?"


UNKNOWN = Unknown.VALUE
Value = object
"""A text, number, boolean, None, list or dict; or :data:`UNKNOWN`."""

_WORDS = re.compile(
    r"""(?P<space>[ \t\r]+|\\\r?\n|\#[^\n]*)
    |(?P<heredoc><<[~-]?(?P<quote>["']?)(?P<tag>[A-Z_][A-Z0-9_]*)(?P=quote))
    |(?P<line>[\n;])
    |(?P<array>%[wi](?:\[[^\]]*\]|\([^)]*\)|\{[^}]*\}))
    |(?P<symbol>:"(?:[^"\\]|\\.)*"(?!:)|:[A-Za-z_]\w*[?!]?)
    |(?P<label>[A-Za-z_]\w*[?!]?:(?!:)|"[^"\\\n]*":(?!:))
    |(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<word>[A-Za-z_]\w*[?!]?)
    |(?P<number>\d[\d_]*)
    |(?P<sign>::|=>|&\.|\|\||&&|\S)""",
    re.X | re.S,
)
_COMMENT = re.compile(r"^=begin\b.*?^=end\b[^\n]*", re.M | re.S)
_END = re.compile(r"^__END__\s*$", re.M)
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")
_GOES_ON = frozenset({",", ".", "&.", "=>", "||", "&&", "+", "="})

_SAME = frozenset({"squish", "strip", "strip_heredoc", "freeze", "dup"})
"""What may be called on SQL without making it say something else."""


@dataclass(frozen=True, slots=True)
class Word:
    """``kind``: word, label, symbol, text, array, number or sign; ``value`` of a literal."""

    kind: str
    said: str
    value: Value = None


Line = tuple[Word, ...]


def lines(script: str) -> list[Line]:
    """The script's logical lines: what stands in brackets, or goes on after a comma, is one. Raises
    :class:`Unreadable`.

    >>> [" ".join(w.said for w in line) for line in lines("a :b,\\n  c: [1,\\n 2] # no")]
    ['a :b , c: [ 1 , 2 ]']
    """
    if len(script) > READ_LIMIT:
        raise Unreadable(f"it has {len(script)} characters, more than the {READ_LIMIT} that are read")
    text = _COMMENT.sub("", script)
    cut = _END.search(text)
    found: list[Line] = []
    line: list[Word] = []
    depth = 0
    for word in _words(text[: cut.start()] if cut else text):
        if word.kind != "line":
            depth += (word.said in _OPENING) - (word.said in _CLOSING) if word.kind == "sign" else 0
            line.append(word)
        elif line and depth <= 0 and line[-1].said not in _GOES_ON:
            found.append(tuple(line))
            line = []
    if depth > 0:
        raise Unreadable("a bracket is opened and never closed: is the file cut off?")
    return _joined([*found, tuple(line)] if line else found)


def _joined(found: Sequence[Line]) -> list[Line]:
    """A line that begins with a dot goes on with the one before it."""
    joined: list[Line] = []
    for line in found:
        if joined and line[0].said in (".", "&."):
            joined[-1] += line
        else:
            joined.append(line)
    return joined


def _words(text: str) -> Iterator[Word]:
    at, waiting = 0, list[str]()
    while at < len(text):
        match = _WORDS.match(text, at)
        assert match is not None
        at, kind = match.end(), str(match.lastgroup)
        if match["heredoc"]:
            body, after = _heredoc(text, at, match["tag"], skip=len(waiting))
            waiting.append(after)
            yield Word("text", match["heredoc"], UNKNOWN if "#{" in body and match["quote"] != "'" else body)
        elif kind == "line":
            yield Word("line", "\n")
            at = len(text) - len(waiting[-1]) if waiting and match["line"] == "\n" else at
            waiting = [] if match["line"] == "\n" else waiting
        elif kind != "space":
            yield _word(kind, match[0])


def _heredoc(text: str, at: int, tag: str, skip: int) -> tuple[str, str]:
    """The body of a heredoc, and all that comes behind it."""
    if skip:
        raise Unreadable("two heredocs begin in one line")
    start = text.find("\n", at) + 1
    end = re.compile(rf"^[ \t]*{tag}[ \t\r]*$", re.M).search(text, start) if start else None
    if end is None:
        raise Unreadable(f"the text up to {tag} never ends: is the file cut off?")
    return text[start : end.start()], text[end.end() :]


def _word(kind: str, said: str) -> Word:
    if kind == "sign" and said in "\"'`":
        raise Unreadable("a quote is opened and never closed, or it runs a command: is the file cut off?")
    if kind == "array":
        return Word(kind, said, said[3:-1].split())
    if kind == "number":
        return Word(kind, said, int(said.replace("_", "")))
    if kind == "label":
        return Word(kind, said, said[:-1].strip('"'))
    if kind in ("symbol", "text"):
        bare = said.removeprefix(":")
        inner = bare[1:-1] if bare[:1] in ('"', "'") else bare
        plain = "#{" not in inner or bare[:1] == "'"
        return Word(kind, said, re.sub(r"\\(.)", r"\1", inner, flags=re.S) if plain else UNKNOWN)
    return Word(kind, said)


# ------------------------------------------------------------------ calls


@dataclass(frozen=True)
class Call:
    """``receiver.name positional, keyword: …``; ``block``: its parameter, None where no ``do``
    follows. ``maybe``: an ``if`` stands behind it."""

    name: str
    receiver: str
    args: tuple[Value, ...]
    named: dict[str, Value]
    block: str | None
    maybe: bool


def call(line: Line) -> Call | None:
    """A line as one call; None for anything else."""
    words, block = _without_block(line)
    words, maybe = _without_condition(words)
    receiver = ""
    if len(words) > 2 and words[1].said in (".", "&.") and words[0].kind == "word":
        receiver, words = words[0].said, words[2:]
    if not words or words[0].kind != "word":
        return None
    given = words[1:]
    if given and given[0].said == "(":
        if given[-1].said != ")" or _closing(given) != len(given) - 1:
            return None
        given = given[1:-1]
    elif given and given[0].kind == "sign" and given[0].said not in ("[", "{", "*", "-"):
        return None
    args, named = arguments(given)
    return Call(words[0].said, receiver, tuple(args), named, block, maybe)


def _without_block(line: Line) -> tuple[Line, str | None]:
    at = next((i for i, w in enumerate(line) if w.kind == "word" and w.said == "do"), None)
    if at is None:
        return line, None
    parameter = line[at + 2].said if len(line) > at + 2 and line[at + 1].said == "|" else ""
    return line[:at], parameter


def _without_condition(line: Line) -> tuple[Line, bool]:
    depth = 0
    for at, word in enumerate(line):
        depth += (word.said in _OPENING) - (word.said in _CLOSING) if word.kind == "sign" else 0
        if at and not depth and word.kind == "word" and word.said in ("if", "unless", "while", "until", "rescue"):
            return line[:at], True
    return line, False


def _closing(line: Line) -> int:
    depth = 0
    for at, word in enumerate(line):
        depth += (word.said in _OPENING) - (word.said in _CLOSING) if word.kind == "sign" else 0
        if not depth:
            return at
    return -1


def arguments(given: Line) -> tuple[list[Value], dict[str, Value]]:
    """Values in their places, and those with a name."""
    args: list[Value] = []
    named: dict[str, Value] = {}
    for part in _parts(given):
        if part[0].kind == "label":
            named[str(part[0].value)] = value(part[1:])
        elif len(part) > 2 and part[1].said == "=>":
            named[str(part[0].value)] = value(part[2:])
        else:
            args.append(value(part))
    return args, named


def _parts(given: Line) -> Iterator[Line]:
    """What stands between the commas outside brackets."""
    start = depth = 0
    for at, word in enumerate(given):
        depth += (word.said in _OPENING) - (word.said in _CLOSING) if word.kind == "sign" else 0
        if word.said == "," and not depth:
            if at > start:
                yield given[start:at]
            start = at + 1
    if start < len(given):
        yield given[start:]


def value(words: Line) -> Value:
    """A literal; :data:`UNKNOWN` for what has to be run."""
    if len(words) == 1:
        constants: dict[str, Value] = {"true": True, "false": False, "nil": None}
        word = words[0]
        return word.value if word.kind in ("symbol", "text", "array", "number") else constants.get(word.said, UNKNOWN)
    if len(words) == 3 and words[0].kind == "text" and words[1].said == "." and words[2].said in _SAME:
        return words[0].value
    if not words or _closing(words) != len(words) - 1:
        return UNKNOWN
    args, named = arguments(words[1:-1])
    if words[0].said == "[":
        return args if not named else UNKNOWN
    return named if words[0].said == "{" and not args else UNKNOWN
