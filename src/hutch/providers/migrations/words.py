"""A migration's SQL as statements of words, by sqlglot's tokenizer: comments, texts and dollar quotes as in Postgres.

Statements are read by their words and not as a tree: sqlglot gives up on whole classes of DDL (``ALTER TYPE … ADD
VALUE``, ``ADD CONSTRAINT … NOT VALID``), and a declaration's head is enough to know what it makes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from sqlglot.dialects.postgres import Postgres
from sqlglot.errors import TokenError
from sqlglot.tokenizer_core import Token, TokenType

READ_LIMIT = 256 * 1024
"""Characters of one script that are read as statements (about 0.3 s); a longer one is not compared with the schema."""
PLAIN = re.compile(r"[a-z_][a-z0-9_$]*")
_NAMES = frozenset({TokenType.IDENTIFIER})
_TEXTS = frozenset({
    TokenType.STRING, TokenType.BYTE_STRING, TokenType.HEREDOC_STRING, TokenType.NATIONAL_STRING,
    TokenType.UNICODE_STRING, TokenType.RAW_STRING, TokenType.HEX_STRING, TokenType.BIT_STRING,
})  # fmt: skip


class Unreadable(Exception):
    """The script ends in the middle of something, or is too long; the text says which."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word: ``kind`` is ``word``, ``name`` (quoted), ``text`` (a literal) or ``sign``; and where it stands."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def upper(self) -> str:
        """In capitals where it can be a keyword; empty for a quoted name or a text."""
        return self.text.upper() if self.kind in ("word", "sign") else ""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement as it is written, without the comments around it and its semicolon."""

    text: str
    words: tuple[Word, ...]

    def bare(self, first: int = 0, last: int | None = None) -> str:
        """Word ``first`` up to, not including, ``last`` on one line and without comments; texts stay as they are."""
        said, before = "", -1
        for word in self.words[first:last]:
            if word.start >= before:  # two words of one token stand in the same place
                said += (" " if -1 < before < word.start else "") + self._at(word)
                before = word.end
        return said

    def _at(self, word: Word) -> str:
        begin = self.words[0].start
        text = self.text[word.start - begin : word.end - begin]
        return " ".join(text.split()) if word.kind == "word" else text


@lru_cache(maxsize=4096)
def statements(script: str) -> tuple[Statement, ...]:
    """The statements of a script; what is only a comment is none. Raises :class:`Unreadable`.

    >>> [s.text for s in statements("SELECT 1; -- no; \\n SELECT ';' /* end */;")]
    ['SELECT 1', "SELECT ';'"]
    """
    if len(script) > READ_LIMIT:
        raise Unreadable(f"it has {len(script)} characters, more than the {READ_LIMIT} that are read")
    try:
        tokens = Postgres().tokenize(script)
    except TokenError:
        raise Unreadable("a quote or a comment is opened and never closed: is the file cut off?") from None
    return tuple(_split(script, tokens))


def _split(script: str, tokens: list[Token]) -> Iterator[Statement]:
    words: list[Word] = []
    depth = 0
    for token in tokens:
        depth += {TokenType.L_PAREN: 1, TokenType.R_PAREN: -1}.get(token.token_type, 0)
        if token.token_type is TokenType.SEMICOLON and not _in_body(words):
            if words:
                yield _statement(script, words)
            words, depth = [], 0
        else:
            words += _words(token)
    if depth > 0:
        raise Unreadable("a parenthesis is opened and never closed: is the file cut off?")
    if words:
        yield _statement(script, words)


def _in_body(words: list[Word]) -> bool:
    """Whether we stand in a ``BEGIN ATOMIC`` body of a function, where semicolons end nothing."""
    if not words or words[0].upper != "CREATE":
        return False
    said = [w.upper for w in words]
    atomic = next((i for i, pair in enumerate(pairwise(said)) if pair == ("BEGIN", "ATOMIC")), None)
    if atomic is None:
        return False
    rest = said[atomic + 2 :]
    return rest.count("END") <= rest.count("CASE")


def _statement(script: str, words: list[Word]) -> Statement:
    return Statement(script[words[0].start : words[-1].end], tuple(words))


def _words(token: Token) -> Iterator[Word]:
    """A token as words; ``PRIMARY KEY`` is one token of two."""
    first, last = token.start, token.end + 1
    if token.token_type in _NAMES:
        yield Word("name", token.text, first, last)
    elif token.token_type in _TEXTS:
        yield Word("text", token.text, first, last)
    elif re.match(r"[^\W\d]", token.text):
        for part in token.text.split():
            yield Word("word", part, first, last)
    else:
        yield Word("sign", token.text, first, last)


class Reader:
    """Reads a statement's words one after another."""

    def __init__(self, statement: Statement, at: int = 0, end: int | None = None) -> None:
        self.statement, self.at = statement, at
        self.end = len(statement.words) if end is None else end

    @property
    def word(self) -> Word:
        """The word that is next; an empty sign at the end."""
        return self.statement.words[self.at] if self.at < self.end else Word("sign", "", -1, -1)

    def take(self, *said: str) -> bool:
        """Step over these words if they come next, all of them."""
        words = self.statement.words[self.at : min(self.at + len(said), self.end)]
        if [w.upper for w in words] != list(said):
            return False
        self.at += len(said)
        return True

    def any(self, *said: str) -> str:
        """Step over one of these words, and say which; empty where none comes next."""
        return next((one for one in said if self.take(one)), "")

    def path(self) -> str:
        """A name, with its schema where it has one, as ``to_regclass`` takes it; empty where none comes next."""
        parts = [self.part()]
        while parts[-1] and self.take("."):
            parts.append(self.part())
        return ".".join(parts) if all(parts) else ""

    def part(self) -> str:
        """One name, folded and quoted as Postgres does; empty where none comes next."""
        word = self.word
        if word.kind not in ("word", "name"):
            return ""
        self.at += 1
        return quoted(word.text if word.kind == "name" else word.text.lower())

    def literal(self) -> str:
        """A text; empty where none comes next."""
        if self.word.kind != "text":
            return ""
        self.at += 1
        return self.statement.words[self.at - 1].text

    def skip(self) -> None:
        """Step over one word, or over everything between two parentheses."""
        depth = 0
        while self.at < self.end:
            depth += {"(": 1, ")": -1}.get(self.word.upper, 0)
            self.at += 1
            if depth <= 0:
                return

    def until(self, *said: str) -> bool:
        """Go to the next of these words outside parentheses; False, at the end, where there is none."""
        while self.at < self.end and self.word.upper not in said:
            self.skip()
        return self.at < self.end

    def listed(self) -> Iterator[Reader]:
        """What stands between the commas outside parentheses, up to the end, each with a reader of its own."""
        while self.at < self.end:
            start = self.at
            self.until(",")
            yield Reader(self.statement, start, self.at)
            self.at += 1


def quoted(name: str) -> str:
    """A name as it must be written.

    >>> quoted("users"), quoted("My table")
    ('users', '"My table"')
    """
    return name if not name or PLAIN.fullmatch(name) else '"' + name.replace('"', '""') + '"'
