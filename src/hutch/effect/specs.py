"""What each program does, as data: ``programs/<name>.toml``, read when the program is first met.

The keys of a file (all optional but one of ``effect``, ``sub``, ``like``):

- ``like``: the program that this one behaves as. Nothing else may stand beside it.
- ``effect``, ``why``, ``sensitive``: what it does when no ``[[sub]]`` fits.
- ``none``, ``value``: harmless flags without and with a value, separated by blanks.
- ``dashed``: flags whose value is the next word even where that begins with a dash (``grep -e -Xmx``), ``*`` for
  all of them; of any other the value may be left out, so that such a word may be a flag.
- ``asks``: a lone argument by which it only tells its version, beside ``--version`` and ``--help``.
- ``modes``: harmless flags that are a task of their own (``redis-cli --bigkeys``, ``command -v``).
- ``needs``: conditions of which one must hold for it to be a read; ``bare`` says what it does otherwise.
- ``dry``: conditions under which it only says what it would do. ``lists``: flags beside which operands are patterns.
- ``flags = "any"``: it has no flag that could do harm. ``numeric``: ``-5`` is a flag.
- ``style``: ``gnu`` (default), ``long`` (``-name value``), ``words`` (no flags at all),
  ``bundle`` (the first word is flags, with or without a dash).
- ``[[flag]]``: ``names`` and ``takes`` (``value``, ``none``), the values that are harmless (``allow``, but not
  ``deny``) and otherwise ``effect`` and ``why``; ``only``: the values that the rule is about;
  ``unless``: flags beside which it is harmless.
- ``most``: how many operands it may have (``uniq in out`` writes).
- ``operands``: ``any`` (default), ``none``, ``listed`` (only what ``[[operand]]`` names).
- ``[[operand]]``: ``match`` (patterns), ``effect``, ``why``, ``sensitive``; ``sure``: not where it only may match.
- ``bare``: the ``why`` of a change when there is no argument but flags.
- ``stdin``: ``data`` (default), ``empty`` (what it is sent may do harm), ``code`` (it runs what it is sent).
- ``files = false``: it shows no content of the files that it names.
- ``first``: flags end at the first operand. ``fold``: subcommands in any case.
- ``inner``: ``argv`` or ``text``, the operands after ``skip`` of them are a command; ``floor``: its least effect.
- ``endless``: conditions under which it goes on until it is stopped, ``ends``: under which it comes to an end by
  itself even so, whatever it reads or runs.
- ``hook``: a function of :mod:`hutch.effect.hooks` that reads the arguments.
- ``[[sub]]``: ``path`` (words, each with ``|`` and ``*``) and the same keys.

Conditions are separated by blanks and read by :mod:`hutch.effect.conditions`: ``always``, a flag (``-f``), a flag with
a value (``-r=-1``), ``*`` any operand, ``#`` a lone number, ``@pattern`` an operand or a flag's value that matches.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import translate
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from hutch.effect.words import OPAQUE, Word
from hutch.model.effect import Effect

_KEYS = """
like effect why sensitive none value modes needs flags numeric style flag operands operand bare stdin files first fold
inner skip floor hook sub path endless ends dry lists most dashed asks
"""


@dataclass(frozen=True, slots=True)
class FlagRule:
    """A flag that matters: with a value outside ``allow``, or inside ``deny``, it has ``effect``."""

    names: frozenset[str]
    takes: str
    effect: Effect
    why: str
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    unless: frozenset[str] = frozenset()
    sensitive: bool = False


@dataclass(frozen=True, slots=True)
class OperandRule:
    """What an operand that matches means."""

    match: tuple[str, ...]
    effect: Effect
    why: str
    sensitive: bool = False
    sure: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Spec:
    """A program or one of its subcommands; see the module's text for each field. It is made once, and equals itself."""

    path: tuple[str, ...] = ()
    effect: Effect = Effect.CHANGE
    why: str = ""
    sensitive: bool = False
    none: frozenset[str] = frozenset()
    value: frozenset[str] = frozenset()
    dashed: frozenset[str] = frozenset()
    asks: frozenset[str] = frozenset()
    modes: frozenset[str] = frozenset()
    needs: tuple[str, ...] = ()
    dry: tuple[str, ...] = ()
    lists: frozenset[str] = frozenset()
    any_flag: bool = False
    numeric: bool = False
    style: str = "gnu"
    rules: tuple[FlagRule, ...] = ()
    operands: str = "any"
    most: int | None = None
    operand_rules: tuple[OperandRule, ...] = ()
    bare: str = ""
    stdin: str = "data"
    files: bool = True
    first: bool = False
    fold: bool = False
    inner: str = ""
    skip: int = 0
    floor: Effect = Effect.READ
    hook: str = ""
    endless: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    subs: tuple[Spec, ...] = field(default=())


@cache
def spec_of(program: str) -> Spec | None:
    """The packaged knowledge about ``program``, or None when there is none."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}", program):
        return None
    path = files("hutch.effect").joinpath("programs", f"{program}.toml")
    if not path.is_file():
        return None
    data = tomllib.loads(path.read_text("utf-8"))
    return spec_of(data["like"]) if "like" in data else make(data)


def make(data: Mapping[str, Any]) -> Spec:
    """The spec that a parsed file says. Raises ``ValueError`` on an unknown key or effect."""
    if odd := data.keys() - set(_KEYS.split()):
        raise ValueError(f"unknown keys {', '.join(sorted(odd))}")
    return Spec(
        path=tuple(data.get("path", "").split()),
        effect=Effect.of(data.get("effect", "change")),
        why=data.get("why", ""),
        sensitive=data.get("sensitive", False),
        none=frozenset(data.get("none", "").split()),
        value=frozenset(data.get("value", "").split()),
        dashed=frozenset(data.get("dashed", "").split()),
        asks=frozenset(data.get("asks", "").split()),
        modes=frozenset(data.get("modes", "").split()),
        needs=tuple(data.get("needs", "").split()),
        dry=tuple(data.get("dry", "").split()),
        lists=frozenset(data.get("lists", "").split()),
        any_flag=data.get("flags") == "any",
        numeric=data.get("numeric", False),
        style=data.get("style", "gnu"),
        rules=tuple(_flag(entry) for entry in data.get("flag", ())),
        operands=data.get("operands", "any"),
        most=data.get("most"),
        operand_rules=tuple(_operand(entry) for entry in data.get("operand", ())),
        bare=data.get("bare", ""),
        stdin=data.get("stdin", "data"),
        files=data.get("files", True),
        first=data.get("first", False),
        fold=data.get("fold", False),
        inner=data.get("inner", ""),
        skip=data.get("skip", 0),
        floor=Effect.of(data.get("floor", "read")),
        hook=data.get("hook", ""),
        endless=tuple(data.get("endless", "").split()),
        ends=tuple(data.get("ends", "").split()),
        subs=tuple(make(entry) for entry in data.get("sub", ())),
    )


def _flag(data: Mapping[str, Any]) -> FlagRule:
    return FlagRule(
        names=frozenset(data["names"].split()),
        takes=data.get("takes", "none"),
        effect=Effect.of(data.get("effect", "change")),
        why=data["why"],
        allow=tuple(data.get("allow", ())),
        deny=tuple(data.get("deny", ())),
        only=tuple(data.get("only", ())),
        unless=frozenset(data.get("unless", "").split()),
        sensitive=data.get("sensitive", False),
    )


def _operand(data: Mapping[str, Any]) -> OperandRule:
    match = data["match"]
    patterns = match.split() if isinstance(match, str) else match
    return OperandRule(
        tuple(patterns),
        Effect.of(data.get("effect", "read")),
        data.get("why", ""),
        data.get("sensitive", False),
        data.get("sure", False),
    )


def matches(patterns: tuple[str, ...], word: Word, fold: bool = False) -> bool:
    """Whether the word surely matches one of the patterns (an unknown part matches only ``*``)."""
    return bool(patterns) and either(patterns).match(word.text.lower() if fold else word.text) is not None


@lru_cache(maxsize=4096)
def either(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """One pattern for texts that match any of ``patterns``, which are those of :mod:`fnmatch` in their exact case."""
    return re.compile("|".join(translate(pattern) for pattern in patterns) or r"(?!)")


def may_match(patterns: tuple[str, ...], word: Word) -> bool:
    """Whether the word could turn out to match one of the patterns."""
    known = word.text.split(OPAQUE)[0]
    if OPAQUE not in word.text:
        return matches(patterns, word)
    return any(_compatible(known, re.split(r"[*?\[]", pattern)[0]) for pattern in patterns)


def _compatible(known: str, prefix: str) -> bool:
    size = min(len(known), len(prefix))
    return known[:size] == prefix[:size]


def step_matches(step: str, word: str) -> bool:
    """Whether a word of a command line is this step of a subcommand's path."""
    return _step(step).match(word) is not None


@cache
def _step(step: str) -> re.Pattern[str]:
    return either(tuple(step.split("|")))


@lru_cache(maxsize=4096)
def longer(root: Spec, path: tuple[str, ...]) -> tuple[Spec, ...]:
    """The subcommands of ``root`` that begin with the words ``path`` and go on after them."""
    return tuple(sub for sub in root.subs if len(sub.path) > len(path) and starts(sub, path))


@lru_cache(maxsize=4096)
def next_steps(root: Spec, path: tuple[str, ...]) -> Mapping[str, tuple[Spec, ...]] | None:
    """The subcommands of :func:`longer` by the word that comes next, where no such word is a pattern; else None."""
    at = len(path)
    found: dict[str, tuple[Spec, ...]] = {}
    for sub in longer(root, path):
        if not _PLAIN_STEP.fullmatch(sub.path[at]):
            return None
        for word in sub.path[at].split("|"):
            found[word] = (*found.get(word, ()), sub)
    return found


_PLAIN_STEP = re.compile(r"[^*?\[\]]+")


def starts(spec: Spec, words: Sequence[str]) -> bool:
    """Whether ``words`` are the first steps of the subcommand's path, as far as both go."""
    return all(step_matches(step, word) for step, word in zip(spec.path, words, strict=False))


@cache
def destroyers(root: Spec) -> tuple[Spec, ...]:
    """The subcommands that destroy."""
    return tuple(sub for sub in root.subs if sub.effect is Effect.DESTROY)
