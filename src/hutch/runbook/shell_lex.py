"""A lexer for shell text: where words, quotes, substitutions, here-documents and statements begin and end.

It is not a parser: it knows just enough of POSIX shell and bash to say in which kind of quoting each character stands
and where a statement ends. Runbook text is often not valid shell (``vercel logs [url]``, ``kill <pid>``), so nothing
is an error here; ``complete`` tells whether everything that was opened has been closed. Linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum
from typing import NamedTuple


class Quoting(Enum):
    """The kind of quoting that a stretch of text stands in."""

    PLAIN = "plain"
    DOUBLE = "double"
    SINGLE = "single"
    ANSI = "ansi"  # $'…'
    HEREDOC = "heredoc"  # expanded
    LITERAL = "literal"  # a here-document with a quoted delimiter
    ARITHMETIC = "arithmetic"
    PARAMETER = "parameter"  # inside ${…}
    COMMENT = "comment"


class Token(NamedTuple):
    """``kind`` is one of space, newline (ends a statement), continued (does not), comment, op, word, quote, text, var,
    open, close, body; ``nested`` says that it stands inside backticks."""

    kind: str
    start: int
    end: int
    quoting: Quoting
    nested: bool = False


_CODE = re.compile(
    r"""(?P<space>[ \t\r]+)|(?P<joined>\\\n)|(?P<newline>\n)|(?P<escape>\\.?)
    |(?P<ansi>\$'(?:[^'\\]|\\.)*')|(?P<single>'[^']*')|(?P<unclosed>')|(?P<double>\$?")
    |(?P<arithmetic>\$\(\()|(?P<sub>\$\(|[<>]\()|(?P<parameter>\$\{)|(?P<var>\$(?:[A-Za-z_]\w*|[0-9@*#?$!-]))
    |(?P<here><<-?(?!<))|(?P<op><<<|&&|\|\||;;&?|;&|\|&|&>>?|>>|>&|<&|<>|>\||[;&|<>()])|(?P<tick>`)
    |(?P<hash>\#)|(?P<word>[^\s\\'"$`;&|<>()\#]+|.)""",
    re.VERBOSE | re.DOTALL,
)
_DOUBLE = re.compile(
    r"""(?P<escape>\\.?)|(?P<end>")|(?P<arithmetic>\$\(\()|(?P<sub>\$\()|(?P<parameter>\$\{)
    |(?P<var>\$(?:[A-Za-z_]\w*|[0-9@*#?$!-]))|(?P<tick>`)|(?P<text>[^"\\$`]+|.)""",
    re.VERBOSE | re.DOTALL,
)
_PARAMETER = re.compile(
    r"""(?P<escape>\\.?)|(?P<end>\})|(?P<double>")|(?P<sub>\$\()|(?P<parameter>\$\{)|(?P<tick>`)|(?P<text>[^}\\"$`]+|.)""",
    re.VERBOSE | re.DOTALL,
)
_ARITHMETIC = re.compile(
    r"""(?P<escape>\\.?)|(?P<end>\)\))|(?P<paren>\()|(?P<sub>\$\()|(?P<parameter>\$\{)|(?P<text>[^()\\$]+|.)""",
    re.VERBOSE | re.DOTALL,
)
_INNER = re.compile(r"(?P<end>\))|(?P<paren>\()|(?P<text>[^()]+)", re.DOTALL)
_DELIMITER = re.compile(r"""[ \t]*(?:'([^'\n]*)'|"([^"\n]*)"|\\([\w.+-]+)|([\w.+-]+))""")

_MODES = {'"': _DOUBLE, "${": _PARAMETER, "((": _ARITHMETIC, "a(": _INNER}
_QUOTING = {'"': Quoting.DOUBLE, "${": Quoting.PARAMETER, "((": Quoting.ARITHMETIC, "a(": Quoting.ARITHMETIC}
_CLOSERS = {"if": "fi", "case": "esac", "for": "done", "while": "done", "until": "done", "select": "done", "{": "}"}
_ENDS = frozenset(_CLOSERS.values())
_LEADERS = frozenset({"then", "do", "else", "elif", "!", "time", "function"})
_GOES_ON = frozenset({"&&", "||", "|", "|&"})
_BEFORE_WORD = frozenset({"space", "newline", "continued", "op", "open", "close", "body"})
_AFTER_WORD = frozenset({"", *" \t\n;&|()"})
_SEPARATES = frozenset({";", "&", ";;", ";&", ";;&", *_GOES_ON})


class Lexer:
    """Lexes one text; read :attr:`tokens` and :attr:`complete` afterwards."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[Token] = []
        self.complete = True
        self._at = 0
        self._stack: list[str] = []
        self._ticks = 0
        self._command = True  # a command's first word may come now
        self._goes_on = False  # the last operator wants more
        self._header = False  # `name()` was read, its body may come on the next line
        self._pending: list[tuple[str, bool, bool]] = []
        self._mode = _CODE
        self._quoting = Quoting.PLAIN
        self._run()

    def _run(self) -> None:
        text, tokens, quick = self.text, self.tokens, _QUICK
        while found := self._mode.match(text, self._at):
            kind = found.lastgroup or "word"
            if kind in quick and not (kind == "word" and self._command):
                at = self._at
                self._at = end = found.end()
                tokens.append(Token(kind, at, end, self._quoting, self._ticks > 0))
            else:
                _HANDLERS[kind](self, found.group())
        self.complete = self.complete and not self._stack and not self._pending

    def _enter(self, closer: str) -> None:
        self._stack.append(closer)
        self._mode = _MODES.get(closer, _CODE)
        self._quoting = _QUOTING.get(closer, Quoting.PLAIN)

    def _leave(self) -> None:
        self._stack.pop()
        outer = self._stack[-1] if self._stack else ""
        self._mode = _MODES.get(outer, _CODE)
        self._quoting = _QUOTING.get(outer, Quoting.PLAIN)

    def _emit(self, kind: str, length: int, quoting: Quoting | None = None) -> None:
        self.tokens.append(Token(kind, self._at, self._at + length, quoting or self._quoting, self._ticks > 0))
        self._at += length

    def _significant(self) -> None:
        self._command = self._goes_on = self._header = False

    def _push(self, closer: str, text: str, kind: str = "open") -> None:
        self._emit(kind, len(text))
        self._enter(closer)

    # plain code

    def _on_joined(self, text: str) -> None:
        self._emit("space", len(text))

    def _on_newline(self, _text: str) -> None:
        ends = not (self._stack or self._goes_on or self._header or self._pending)
        self._emit("newline" if ends else "continued", 1)
        self._command = True
        while self._pending:
            self._body(*self._pending.pop(0))

    def _on_escape(self, text: str) -> None:
        self._emit("text" if self._quoting is Quoting.DOUBLE else "word", len(text))
        self._significant()

    def _on_ansi(self, text: str) -> None:
        self._emit("text", len(text), Quoting.ANSI)
        self._significant()

    def _on_single(self, text: str) -> None:
        self._emit("text", len(text), Quoting.SINGLE)
        self._significant()

    def _on_unclosed(self, _text: str) -> None:
        self.complete = False
        self._emit("text", len(self.text) - self._at, Quoting.SINGLE)

    def _on_double(self, text: str) -> None:
        self._push('"', text, "quote")
        self._significant()

    def _on_arithmetic(self, text: str) -> None:
        self._push("((", text, "word")
        self._significant()

    def _on_sub(self, text: str) -> None:
        self._push(")", text)
        self._significant()
        self._command = True

    def _on_parameter(self, text: str) -> None:
        self._push("${", text, "var")
        self._significant()

    def _on_var(self, text: str) -> None:
        self._emit("var", len(text))
        self._significant()

    def _on_here(self, text: str) -> None:
        self._emit("op", len(text))
        found = _DELIMITER.match(self.text, self._at)
        if found:
            word = next(group for group in found.groups() if group is not None)
            self._pending.append((word, text.endswith("-"), found.group(4) is not None))
            self._emit("word", len(found.group()))
        self._significant()

    def _on_op(self, text: str) -> None:
        if text == "(" and self._command and self.text.startswith("((", self._at):
            self._push("((", "((", "word")
            return
        if text == "(":
            self._push(")", text)
        elif text == ")":
            self._close_paren()
            return
        else:
            self._emit("op", len(text))
        self._significant()
        self._goes_on = text in _GOES_ON
        self._command = text in _SEPARATES or text == "("

    def _close_paren(self) -> None:
        empty = bool(self.tokens) and self.tokens[-1].kind == "open"
        closes = bool(self._stack) and self._stack[-1] == ")"
        if closes:
            self._leave()
        self._emit("close" if closes else "op", 1)
        self._significant()
        self._command = True
        self._header = closes and empty

    def _on_tick(self, text: str) -> None:
        if self._stack and self._stack[-1] == "`":
            self._leave()
            self._emit("close", 1)
            self._ticks -= 1
            self._significant()
            return
        self._ticks += 1
        self._push("`", text)
        self._command = True

    def _on_hash(self, text: str) -> None:
        last = self.tokens[-1] if self.tokens else None
        if last is None or last.kind in _BEFORE_WORD:
            end = self.text.find("\n", self._at)
            self._emit("comment", (len(self.text) if end < 0 else end) - self._at, Quoting.COMMENT)
            return
        self._on_word(text)

    def _on_word(self, text: str) -> None:
        whole = self._command and self._stands_alone(len(text))
        self._emit("word", len(text))
        self._significant()
        if not whole:
            return
        if text in _CLOSERS:
            self._enter(_CLOSERS[text])
            self._command = text in {"if", "while", "until", "{"}
        elif text in _ENDS and self._stack and self._stack[-1] == text:
            self._leave()
        elif text in _LEADERS or self._named_function():
            self._command = True

    def _named_function(self) -> bool:
        words = [self.text[t.start : t.end] for t in self.tokens[-3:] if t.kind == "word"]
        return len(words) == 2 and words[0] == "function"

    def _stands_alone(self, length: int) -> bool:
        before = self.tokens[-1].kind if self.tokens else "newline"
        after = self.text[self._at + length : self._at + length + 1]
        return before in _BEFORE_WORD and after in _AFTER_WORD

    def _body(self, delimiter: str, tabs: bool, expands: bool) -> None:
        quoting = Quoting.HEREDOC if expands else Quoting.LITERAL
        start, end = _end_of_body(self.text, self._at, delimiter, tabs)
        if end < 0:
            self.complete = False
            self._emit("body", len(self.text) - self._at, quoting)
            return
        if start > self._at:
            self._emit("body", start - self._at, quoting)
        self._emit("body", end - self._at, quoting)

    # inside quotes, ${…} and $((…))

    def _on_paren(self, text: str) -> None:
        self._push("a(", text, "text")

    def _on_end(self, text: str) -> None:
        quoting = self._quoting
        kind = {Quoting.DOUBLE: "quote", Quoting.PARAMETER: "var"}.get(quoting, "text")
        self._leave()
        self._emit(kind, len(text), quoting)
        self._significant()


def _end_of_body(text: str, at: int, delimiter: str, tabs: bool) -> tuple[int, int]:
    """Where the line that ends a here-document begins and ends; -1 twice where there is none."""
    while at <= len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        if (text[at:end].lstrip("\t") if tabs else text[at:end]) == delimiter:
            return at, end
        at = end + 1
    return -1, -1


_QUICK = frozenset({"space", "word", "text"})
"""Groups that are tokens as they stand, the most of all: but for a word where a command's name may come."""

_HANDLERS: dict[str, Callable[[Lexer, str], None]] = {
    name.removeprefix("_on_"): method for name, method in vars(Lexer).items() if name.startswith("_on_")
}
"""What to do with each group of the patterns, by its name."""
