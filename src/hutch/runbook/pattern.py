"""Regular expressions in linear time, for patterns that a document brings and output that nobody controls.

A subset of Python's: literals, ``.``, classes (``[^a-z]``, ``\\d \\w \\s`` and their contraries), groups ``(…)`` and
``(?:…)``, ``|``, ``* + ?`` (and their lazy forms), ``^ $`` at line ends, ``\\b``. No back-references, no look-around,
no counted repetition (``}`` ends an annotation anyway). Matching is leftmost, with Python's preferences, by Pike's
machine.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from hutch.runbook.errors import RunbookError

LONGEST = 200
"""Characters of a pattern: the machine's work is this times the text's length."""

DEEPEST = 20
"""Groups within groups."""

Test = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Op:
    """One instruction. ``kind`` is char, split (prefers ``x`` to ``y``), jump, save, assert or match."""

    kind: str
    test: Test | None = None
    x: int = 0
    y: int = 0


Program = tuple[Op, ...]


def _of_class(letter: str) -> Test:
    pattern = re.compile(rf"\{letter}")
    return lambda char: pattern.match(char) is not None


_CLASSES = {letter: _of_class(letter) for letter in "dDwWsS"}
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v"}
_SPECIAL = frozenset("*+?|)")


class _Compiler:
    """A pattern to a program, by recursive descent; addresses are filled in as parts become known."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0
        self.groups = 0
        self.ops: list[Op] = []

    def whole(self) -> Program:
        if not self.text:
            raise _wrong("is empty")
        if len(self.text) > LONGEST:
            raise _wrong(f"is longer than {LONGEST} characters")
        self._either()
        if self.at < len(self.text):
            raise _wrong("has a ')' that closes nothing")
        return (*self.ops, Op("match"))

    def _peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def _take(self) -> str:
        char = self._peek()
        self.at += 1
        return char

    def _either(self) -> None:
        """Alternatives: a split before each but the last, and a jump from each to the end. Addresses are relative, so
        what an insertion moves stays right."""
        start, jumps = len(self.ops), list[int]()
        self._sequence()
        while self._peek() == "|":
            self._take()
            self.ops.insert(start, Op("split", x=1, y=len(self.ops) - start + 2))
            jumps.append(len(self.ops))
            self.ops.append(Op("jump"))
            start = len(self.ops)
            self._sequence()
        for jump in jumps:
            self.ops[jump] = Op("jump", x=len(self.ops) - jump)

    def _sequence(self) -> None:
        while self._peek() not in {"", "|", ")"}:
            start = len(self.ops)
            self._atom()
            if self._peek() in {"*", "+", "?"}:
                self._repeat(start)

    def _repeat(self, start: int) -> None:
        kind = self._take()
        lazy = self._peek() == "?"
        self.at += lazy
        if self._peek() in {"*", "+", "?"}:
            raise _wrong("repeats a repetition")
        size = len(self.ops) - start
        into, past = (size + 1, 1) if lazy else (1, size + 1)
        if kind == "?":
            self.ops.insert(start, Op("split", x=into, y=past))
        elif kind == "*":
            into, past = (size + 2, 1) if lazy else (1, size + 2)
            self.ops.insert(start, Op("split", x=into, y=past))
            self.ops.append(Op("jump", x=-(size + 1)))
        else:
            into, past = (1, -size) if lazy else (-size, 1)
            self.ops.append(Op("split", x=into, y=past))

    def _atom(self) -> None:
        char = self._take()
        if char == "(":
            self._group()
        elif char == "[":
            self._emit(self._class())
        elif char == ".":
            self._emit(lambda c: c != "\n")
        elif char == "\\":
            self._escape()
        elif char in {"^", "$"}:
            self.ops.append(Op("assert", x=ord(char)))
        elif char in _SPECIAL:
            raise _wrong(f"has {char!r} with nothing before it")
        else:
            self._emit(char.__eq__)

    def _emit(self, test: Test) -> None:
        self.ops.append(Op("char", test))

    def _group(self) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise _wrong("is nested too deep")
        captures = True
        if self.text.startswith("?:", self.at):
            captures, self.at = False, self.at + 2
        elif self._peek() == "?":
            raise _wrong("has a group that begins with '(?'; only (…) and (?:…) are known")
        self.groups += captures
        slot = 2 if captures and self.groups == 1 else 0  # only the first group counts
        if slot:
            self.ops.append(Op("save", x=slot))
        self._either()
        if self._take() != ")":
            raise _wrong("has a '(' that is not closed")
        if slot:
            self.ops.append(Op("save", x=slot + 1))
        self.depth -= 1

    def _escape(self) -> None:
        char = self._take()
        if char == "b":
            self.ops.append(Op("assert", x=ord("b")))
        else:
            self._emit(self._escaped(char))

    def _escaped(self, char: str) -> Test:
        if char in _CLASSES:
            return _CLASSES[char]
        if not char or (char.isalnum() and char not in _ESCAPED):
            raise _wrong(f"has '\\{char}', which is not known here")
        return _ESCAPED.get(char, char).__eq__

    def _class(self) -> Test:
        negated = self._peek() == "^"
        self.at += negated
        tests: list[Test] = []
        first = True
        while first or self._peek() != "]":
            first = False
            if not self._peek():
                raise _wrong("has a '[' that is not closed")
            tests.append(self._member())
        self._take()
        return lambda c: any(test(c) for test in tests) is not negated

    def _member(self) -> Test:
        low = self._take()
        if low == "\\":
            return self._escaped(self._take())
        rest = self.text[self.at : self.at + 2]
        if len(rest) < 2 or rest[0] != "-" or rest[1] == "]":
            return low.__eq__
        self.at += 2
        high = rest[1] if rest[1] != "\\" else self._take()
        if high < low:
            raise _wrong(f"has the range {low}-{high}, which is empty")
        return lambda c: low <= c <= high


def compile_pattern(text: str) -> Program:
    """The program of a pattern. Raises :class:`RunbookError` for what is not of the subset."""
    return _Compiler(text).whole()


def _wrong(what: str) -> RunbookError:
    return RunbookError(f"the pattern {what}; correct it")


Saves = tuple[int, int, int, int]
Thread = tuple[int, Saves]


def first_match(program: Program, text: str) -> str | None:
    """The first group of the leftmost match in ``text`` (all of it where there is no group), or None."""
    threads: list[Thread] = []
    found: Saves | None = None
    begins = next((op.test for op in program if op.kind != "save"), None)
    for at in range(len(text) + 1):
        if begins and not threads and (at == len(text) or not begins(text[at])):
            continue
        seen: set[int] = set()
        alive: list[Thread] = []
        for thread in threads:
            _follow(program, thread, text, at, seen, alive)
        if found is None:
            _follow(program, (0, (at, -1, -1, -1)), text, at, seen, alive)
        threads = []
        for pc, saves in alive:
            op = program[pc]
            if op.kind == "match":
                found = (saves[0], at, saves[2], saves[3])
                break  # threads after it are less preferred
            if at < len(text) and op.test and op.test(text[at]):
                threads.append((pc + 1, saves))
        if found is not None and not threads:
            break
    return None if found is None else _shown(found, text, grouped=any(op.kind == "save" for op in program))


def _shown(saves: Saves, text: str, *, grouped: bool) -> str | None:
    if grouped:
        return text[saves[2] : saves[3]] if min(saves[2:]) >= 0 else None
    return text[saves[0] : saves[1]]


def _follow(program: Program, thread: Thread, text: str, at: int, seen: set[int], alive: list[Thread]) -> None:
    """Add to ``alive`` every instruction that reads a character and is reached from ``thread``, in preference."""
    todo = [thread]
    while todo:
        pc, saves = todo.pop()
        if pc in seen:
            continue
        seen.add(pc)
        op = program[pc]
        match op.kind:
            case "jump":
                todo.append((pc + op.x, saves))
            case "split":
                todo += [(pc + op.y, saves), (pc + op.x, saves)]
            case "save":
                todo.append((pc + 1, _saved(saves, op.x, at)))
            case "assert":
                if _stands(chr(op.x), text, at):
                    todo.append((pc + 1, saves))
            case _:
                alive.append((pc, saves))


def _saved(saves: Saves, slot: int, at: int) -> Saves:
    return (saves[0], saves[1], at, saves[3]) if slot == 2 else (saves[0], saves[1], saves[2], at)


def _stands(what: str, text: str, at: int) -> bool:
    before, after = text[at - 1 : at] if at else "", text[at : at + 1]
    if what == "^":
        return before in {"", "\n"}
    if what == "$":
        return after in {"", "\n"}
    return _is_word(before) != _is_word(after)


def _is_word(char: str) -> bool:
    return bool(char) and (char == "_" or char.isalnum())
