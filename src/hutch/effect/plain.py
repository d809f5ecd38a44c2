"""The usual line, one command of nothing but plain words, told by its characters alone.

No shell expands, joins or splits what these characters spell, so the words are known without a parser, which takes
three times as long. All other lines are for :mod:`hutch.effect.shellwalk`, which would read these the same.
"""

from __future__ import annotations

import re

from hutch.effect.words import Word

_FIRST = r"[A-Za-z0-9/.][A-Za-z0-9/._-]*+"
_PART = r"[A-Za-z0-9@+:,./_-]++"
_WORD = rf"{_PART}(?:={_PART})*+"
_BLANK = r"(?:\\\n)*+[ \t](?:[ \t]|\\\n)*+"
_LINE = re.compile(f"{_FIRST}(?:{_BLANK}{_WORD})*+")
_WORDS = re.compile(_WORD)
_GRAMMAR = frozenset({
    "case", "coproc", "declare", "do", "done", "elif", "else", "esac", "export", "fi", "for", "function", "if", "in",
    "local", "readonly", "select", "then", "time", "typeset", "unset", "unsetenv", "until", "while",
})  # fmt: skip
"""Words that may not be mere words: the shell's reserved ones, and builtins with a grammar of their own."""


def plain_words(text: str) -> list[Word]:
    """The words of a plain line without blanks around it; none for any other."""
    if not _LINE.fullmatch(text):
        return []
    found = _WORDS.findall(text)
    return [Word(word) for word in found] if _GRAMMAR.isdisjoint(found) else []
