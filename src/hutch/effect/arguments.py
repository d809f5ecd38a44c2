"""A command's arguments read by its program's spec: subcommand, flags with their values, operands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from hutch.effect.specs import FlagRule, Spec, matches, may_match, step_matches
from hutch.effect.words import OPAQUE, Word
from hutch.model.effect import Effect, Verdict


@dataclass(frozen=True, slots=True)
class Stdin:
    """What a command reads on its standard input: ``kind`` is none, empty, file, pipe or text."""

    kind: str = "none"
    text: str | None = None


@dataclass(slots=True)
class Parsed:
    """``spec`` is what applies (the subcommand's, else the program's); ``unknown`` the first unknown flag."""

    program: str
    root: Spec
    chain: list[Spec] = field(default_factory=list)
    path: list[str] = field(default_factory=list)
    flags: list[tuple[str, Word | None]] = field(default_factory=list)
    operands: list[Word] = field(default_factory=list)
    after: list[Word] = field(default_factory=list)  # what stands after "--"
    unknown: str = ""

    @property
    def spec(self) -> Spec:
        """The most specific spec that fits."""
        return self.chain[-1] if self.chain else self.root

    @property
    def name(self) -> str:
        """Program and subcommand, as people say it."""
        return " ".join([self.program, *self.path])

    def values(self, *names: str) -> list[Word]:
        """The values given to any of the flags ``names``."""
        return [value for name, value in self.flags if name in names and value is not None]

    @property
    def has_mode(self) -> bool:
        """Whether a flag that is a task of its own was given."""
        return self.has(self.root.modes)

    def has(self, names: frozenset[str]) -> bool:
        """Whether any of the flags ``names`` was given."""
        return any(name in names for name, _ in self.flags)


def parse(program: str, root: Spec, words: Sequence[Word]) -> Parsed:
    """Read ``words`` (without the program). Never fails: what is unknown is noted."""
    parsed = Parsed(program, root)
    rest = list(words)
    ended = root.style == "words"
    while rest:
        word = rest.pop(0)
        if not ended and word.text == "--":
            parsed.after = list(rest)
            parsed.operands.extend(rest)
            return parsed
        if not ended and _is_flag(word, parsed):
            _flag(parsed, word, rest)
        elif not _descend(parsed, word):
            parsed.operands.append(word)
            ended = ended or any(spec.first for spec in (root, *parsed.chain))
    return parsed


def _is_flag(word: Word, parsed: Parsed) -> bool:
    if word.hostile:
        return False
    return word.text.startswith("-") and len(word.text) > 1


def _descend(parsed: Parsed, word: Word) -> bool:
    """Take ``word`` as the next step of a subcommand's path, when some path goes on so."""
    if parsed.operands or not word.static:
        return False
    text = word.text.lower() if parsed.root.fold else word.text
    steps = [*parsed.path, text]
    fits = [s for s in parsed.root.subs if len(s.path) >= len(steps) and _starts(s, steps)]
    if not fits:
        return False
    parsed.path.append(text)
    exact = [s for s in fits if len(s.path) == len(steps)]
    parsed.chain.extend(exact[:1])
    return True


def _starts(spec: Spec, steps: Sequence[str]) -> bool:
    return all(step_matches(step, word) for step, word in zip(spec.path, steps, strict=False))


def _flag(parsed: Parsed, word: Word, rest: list[Word]) -> None:
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


def _long(parsed: Parsed, specs: list[Spec], flag: tuple[str, Word | None], rest: list[Word]) -> None:
    name, value = flag
    kind = _kind(specs, name)
    if kind == "" and not any(spec.any_flag for spec in specs[:1]):
        parsed.unknown = parsed.unknown or name
    if kind == "value" and value is None and rest:
        value = rest.pop(0)
    parsed.flags.append((name, value))


def _cluster(parsed: Parsed, specs: list[Spec], word: Word, rest: list[Word]) -> None:
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
        parsed.flags.append((name, None))


def _kind(specs: list[Spec], name: str) -> str:
    """``value``, ``none``, or empty for a flag that is not known."""
    for spec in specs:
        if name in spec.value:
            return "value"
        if name in spec.none or name in spec.modes:
            return "none"
        for rule in spec.rules:
            if name in rule.names:
                return rule.takes
    return ""


def flag_harms(parsed: Parsed) -> list[Verdict]:
    """What the flags given do beyond what the subcommand does."""
    rules = [rule for spec in (*parsed.chain, parsed.root) for rule in spec.rules]
    return [
        Verdict(rule.effect, f"{parsed.program} {name}: {rule.why}", rule.sensitive)
        for name, value in parsed.flags
        for rule in rules
        if name in rule.names and not _harmless(rule, value, parsed)
    ]


def _harmless(rule: FlagRule, value: Word | None, parsed: Parsed) -> bool:
    if rule.unless and parsed.has(rule.unless):
        return True
    if rule.only and (value is None or not matches(rule.only, value)):
        return True
    known = value is not None and not value.hostile and matches(rule.allow, value)
    return known and value is not None and not may_match(rule.deny, value)


def lost_destroyer(parsed: Parsed, words: Sequence[Word]) -> Verdict | None:
    """A destroying subcommand anywhere among the words, for a command line that could not be read."""
    texts = [w.text.lower() if parsed.root.fold else w.text for w in words]
    for spec in parsed.root.subs:
        size = len(spec.path)
        runs = (texts[i : i + size] for i in range(len(texts) - size + 1))
        if spec.effect is Effect.DESTROY and any(_starts(spec, run) for run in runs):
            return Verdict(Effect.DESTROY, spec.why or f"{parsed.program} {' '.join(spec.path)} destroys")
    return None


def opaque(word: Word) -> bool:
    """Whether part of the word is only known when it runs."""
    return OPAQUE in word.text or word.hostile
