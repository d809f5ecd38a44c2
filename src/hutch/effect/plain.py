"""The usual line, one command of nothing but plain words, told by its characters alone.

No shell expands, joins or splits what these characters spell, but for variables, each of which is one unknown value; so
the words are known without a parser, which takes three times as long. All other lines are for
:mod:`hutch.effect.shellwalk`, which would read these the same.
"""

from __future__ import annotations

import re

from hutch.effect.words import OPAQUE, SHELLS_OWN, Word

LONGEST = 1000
"""Characters of a usual line; a longer one may have more marks than the parser is given."""

_FIRST = r"[A-Za-z0-9/.][A-Za-z0-9/._-]*+"
_PART = r"[A-Za-z0-9@+:,./_-]"
_BARE = rf"{_PART}++(?:={_PART}++)*+"
_VARIABLE = r"\$[A-Za-z_][A-Za-z0-9_]*+"
_FILLED = rf"(?:{_PART}++=)?{_PART}*+{_VARIABLE}{_PART}*+"
"""A word with one variable: of more, and of ``=`` after one, the parser makes what the walk cannot read."""

_QUOTED = rf"""'[^'%\n]++'|"[^"\\$`%\n]++"|"{_VARIABLE}\""""
_WORD = rf"(?:{_FILLED}|{_BARE}|{_QUOTED})"
_BLANK = r"(?:\\\n)*+[ \t](?:[ \t]|\\\n)*+"
_LINE = re.compile(f"{_FIRST}(?:{_BLANK}{_WORD})*+")
_WORDS = re.compile(_WORD)
_MARKED = re.compile(r"['\"$]")
_TIGHT = re.compile(r"[^ \t]\\\n")
"""A line that is continued right after a word: the parser reads on where that is a variable."""

_NAME = re.compile(r"\$(\w+)")
_GRAMMAR = frozenset({
    "case", "coproc", "declare", "do", "done", "elif", "else", "esac", "export", "fi", "for", "function", "if", "in",
    "local", "readonly", "select", "then", "time", "typeset", "unset", "unsetenv", "until", "while",
})  # fmt: skip
"""Words that may not be mere words: the shell's reserved ones, and builtins with a grammar of their own."""


def plain_words(text: str) -> list[Word]:
    """The words of a plain line without blanks around it; none for any other."""
    if len(text) > LONGEST or not text.isascii() or not _LINE.fullmatch(text):
        return []
    found = _WORDS.findall(text)
    if not _GRAMMAR.isdisjoint(found):
        return []
    if _MARKED.search(text) and _TIGHT.search(text):
        return []
    words = [_word(word) if word[0] in "'\"" or "$" in word else Word(word) for word in found]
    return [] if any(_may_be_more(word) for word in words) else words


def _word(text: str) -> Word:
    """The word that is written with quotes around it, or with variables."""
    bare = text[1:-1] if text[0] in "'\"" else text
    if text[0] == "'" or "$" not in bare:
        return Word(bare)
    return Word(_NAME.sub(OPAQUE, bare), names=tuple(_NAME.findall(bare)))


def _may_be_more(word: Word) -> bool:
    """Whether an empty variable would leave a flag, or the shell itself may put in several words."""
    if not word.names:
        return False
    flag = word.text.startswith(OPAQUE) and word.text.lstrip(OPAQUE).startswith("-")
    return flag or any(SHELLS_OWN.fullmatch(name) for name in word.names)
