"""A command's arguments read by its program's spec: subcommand, flags with their values, operands."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from hutch.effect.specs import FlagRule, Spec, destroyers, longer, matches, may_match, next_steps, starts, step_matches
from hutch.effect.words import OPAQUE, Word
from hutch.model.effect import Effect, Verdict

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9:_-]*")
_DASHED = re.compile(r"-[^0-9]")


@dataclass(frozen=True, slots=True)
class Stdin:
    """What a command reads on its standard input: ``kind`` is none, empty, file, pipe or text.

    ``endless``: it never ends.
    """

    kind: str = "none"
    text: str | None = None
    endless: bool = False


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag as given; ``depth`` is how much of the subcommand stood before it (``git -c`` is not ``git log -c``)."""

    name: str
    value: Word | None
    depth: int


@dataclass(slots=True)
class Parsed:
    """``spec`` is what applies (the subcommand's, else the program's); ``unknown`` the first unknown flag."""

    program: str
    root: Spec
    chain: list[Spec] = field(default_factory=list)
    path: list[Word] = field(default_factory=list)
    flags: list[Flag] = field(default_factory=list)
    operands: list[Word] = field(default_factory=list)
    after: list[Word] = field(default_factory=list)  # what stands after "--"
    guarded: list[Word] = field(default_factory=list)  # operands that cannot turn out to be flags
    doubted: list[Flag] = field(default_factory=list)  # values that the program may take for flags
    unknown: str = ""

    @property
    def spec(self) -> Spec:
        """The most specific spec that fits."""
        return self.chain[-1] if self.chain else self.root

    @property
    def name(self) -> str:
        """Program and subcommand, as people say it; where none is known, the words that seem to be one."""
        told = self.path
        if not told and self.root.subs:
            told = [word for word in self.operands[:2] if _PLAIN.fullmatch(word.text)]
        return " ".join([self.program, *(word.text for word in told)])

    def values(self, *names: str) -> list[Word]:
        """The values given to any of the flags ``names``."""
        return [flag.value for flag in self.flags if flag.name in names and flag.value is not None]

    @property
    def has_mode(self) -> bool:
        """Whether a flag that is a task of its own was given."""
        return self.has(self.root.modes)

    def has(self, names: frozenset[str]) -> bool:
        """Whether any of the flags ``names`` was given."""
        return any(flag.name in names for flag in self.flags)


def parse(program: str, root: Spec, words: Sequence[Word]) -> Parsed:
    """Read ``words`` (without the program). Never fails: what is unknown is noted."""
    parsed = Parsed(program, root)
    rest = deque(words)
    if root.style == "bundle" and rest and not rest[0].text.startswith("-"):
        _unbundled(parsed, rest.popleft(), rest)
    ended = root.style == "words"
    while rest:
        word = rest.popleft()
        if not ended and word.text == "--":
            parsed.after = list(rest)
            parsed.operands.extend(rest)
            parsed.guarded.extend(rest)
            parsed.flags.append(Flag("--", None, len(parsed.chain)))
            break
        if not ended and _is_flag(word):
            _flag(parsed, word, rest)
        else:
            _word(parsed, word, ended)
            ended = ended or root.first or (bool(parsed.operands) and parsed.spec.first)
    _shorten(parsed)
    return parsed


def _shorten(parsed: Parsed) -> None:
    """Steps that led to no subcommand are operands after all (``s3 cp s3://a b``, where ``s3 cp s3://* -`` is one)."""
    size = len(parsed.chain[-1].path) if parsed.chain else 0
    parsed.operands[:0] = parsed.path[size:]
    parsed.path = parsed.path[:size]


def _word(parsed: Parsed, word: Word, ended: bool) -> None:
    """A step of the subcommand or an operand; once flags have ended it is none, whatever it turns out to be."""
    if _descend(parsed, word):
        return
    parsed.operands.append(word)
    if ended:
        parsed.guarded.append(word)


def _unbundled(parsed: Parsed, first: Word, rest: deque[Word]) -> None:
    """``tar tfI a.tar prog``: each letter of the first word takes its value from the words after it, in order."""
    if first.hostile or OPAQUE in first.text:
        parsed.unknown = first.shown()
    for letter in first.text:
        kind = _kind([parsed.root], f"-{letter}")
        value = rest.popleft() if kind == "value" and rest else None
        parsed.flags.append(Flag(f"-{letter}", value, 0))
        if kind == "":
            parsed.unknown = parsed.unknown or f"-{letter}"


def _is_flag(word: Word) -> bool:
    return not word.hostile and word.text.startswith("-") and len(word.text) > 1


def _descend(parsed: Parsed, word: Word) -> bool:
    """Take ``word`` as the next step of a subcommand's path, when some path goes on so."""
    if parsed.operands or not word.static:
        return False
    at = len(parsed.path)
    taken = tuple(step.text for step in parsed.path)
    step = Word(word.text.lower() if parsed.root.fold else word.text)
    by_word = next_steps(parsed.root, taken)
    if by_word is None:
        fits = tuple(s for s in longer(parsed.root, taken) if step_matches(s.path[at], step.text))
    else:
        fits = by_word.get(step.text, ())
    if not fits:
        return False
    parsed.path.append(step)
    exact = [s for s in fits if len(s.path) == at + 1]
    parsed.chain.extend(exact[:1])
    return True


def _flag(parsed: Parsed, word: Word, rest: deque[Word]) -> None:
    text = word.text
    specs = [*reversed(parsed.chain), parsed.root]
    if text.startswith("--") or parsed.root.style == "long":
        name, equals, inline = text.partition("=")
        value = Word(inline, word.hostile, word.names) if equals else None
        _long(parsed, specs, (name, value), rest)
    elif any(spec.numeric for spec in specs) and text[1:].isdigit():
        return
    else:
        _cluster(parsed, specs, word, rest)


def _long(parsed: Parsed, specs: list[Spec], flag: tuple[str, Word | None], rest: deque[Word]) -> None:
    name, value = flag
    kind = _kind(specs, name)
    if kind == "" and not any(spec.any_flag for spec in specs[:1]):
        parsed.unknown = parsed.unknown or name
    if kind == "value" and value is None and rest:
        value = rest.popleft()
        if _DASHED.match(value.text) and not any(spec.dashed & {name, "*"} for spec in specs):
            _doubt(parsed, name, value.text)
    parsed.flags.append(Flag(name, value, len(parsed.chain)))


def _doubt(parsed: Parsed, name: str, value: str) -> None:
    """``--pretty --output=x``: where the value may be left out, what stands there is the next flag."""
    parsed.unknown = parsed.unknown or f"{name} {value}"
    names = [value.partition("=")[0]] if value.startswith("--") else [f"-{letter}" for letter in value[1:]]
    parsed.doubted.extend(Flag(one, None, len(parsed.chain)) for one in [*names, value])


def _cluster(parsed: Parsed, specs: list[Spec], word: Word, rest: deque[Word]) -> None:
    """Short flags in one word: ``-Atc SQL``, ``-n5``, ``-XGET``."""
    letters = word.text[1:]
    if _kind(specs, word.text):  # a long name with one dash, or one letter
        _long(parsed, specs, (word.text, None), rest)
        return
    while letters:
        name, letters = f"-{letters[0]}", letters[1:]
        kind = _kind(specs, name)
        if kind == "value":
            inline = Word(letters.removeprefix("="), word.hostile, word.names) if letters else None
            _long(parsed, specs, (name, inline), rest)
            return
        if kind == "" and not specs[0].any_flag:
            parsed.unknown = parsed.unknown or word.shown()
        parsed.flags.append(Flag(name, None, len(parsed.chain)))


def _kind(specs: list[Spec], name: str) -> str:
    """``value``, ``none``, or empty for a flag that is not known."""
    for spec in specs:
        if name in spec.value:
            return "value"
        if name in spec.none:
            return "none"
        for rule in spec.rules:
            if name in rule.names:
                return rule.takes
        if name in spec.modes:
            return "none"
    return ""


def flag_harms(parsed: Parsed) -> list[Verdict]:
    """What the flags given do beyond what the subcommand does."""
    return [
        Verdict(rule.effect, f"{parsed.program} {flag.name}: {rule.why}", rule.sensitive)
        for flag in (*parsed.flags, *parsed.doubted)
        for rule in _rules(parsed, flag)
        if not _harmless(rule, flag.value, parsed)
    ]


def _rules(parsed: Parsed, flag: Flag) -> list[FlagRule]:
    """The rules for ``flag``: the subcommand's, and the program's unless the subcommand before it redefines it."""
    before = parsed.chain[: flag.depth]
    redefined = any(flag.name in spec.none | spec.value for spec in before)
    specs = parsed.chain if redefined else [*parsed.chain, parsed.root]
    return [rule for spec in specs for rule in spec.rules if _named(rule, flag, parsed)]


def _named(rule: FlagRule, flag: Flag, parsed: Parsed) -> bool:
    """Whether the rule is about the flag, or about one that the flag may be short for (``--har`` for ``--hard``)."""
    if flag.name in rule.names:
        return True
    known = _kind([*parsed.chain, parsed.root], flag.name)
    short = flag.name.startswith("--") and len(flag.name) > 3 and not known
    return short and any(name.startswith(flag.name) for name in rule.names)


def _harmless(rule: FlagRule, value: Word | None, parsed: Parsed) -> bool:
    if value is not None and may_match(rule.deny, value):
        return False
    if rule.unless and parsed.has(rule.unless):
        return True
    if rule.only and (value is None or not (matches(rule.only, value) or _may_be(rule.only, value))):
        return True
    return value is not None and not value.hostile and matches(rule.allow, value)


def _may_be(patterns: tuple[str, ...], value: Word) -> bool:
    return value.globbed and may_match(patterns, value)


def lost_destroyer(parsed: Parsed, words: Sequence[Word]) -> Verdict | None:
    """A destroying subcommand anywhere among the words, for a command line that could not be read."""
    given = words if parsed.unknown else parsed.operands
    texts = [w.text.lower() if parsed.root.fold else w.text for w in given]
    for spec in destroyers(parsed.root):
        size = len(spec.path)
        runs = (texts[i : i + size] for i in range(len(texts) - size + 1))
        if any(starts(spec, run) for run in runs):
            return Verdict(Effect.DESTROY, spec.why or f"{parsed.program} {' '.join(spec.path)} destroys")
    return None


def opaque(word: Word) -> bool:
    """Whether part of the word is only known when it runs."""
    return OPAQUE in word.text or word.hostile
