"""A command line of the configuration: words with holes for arguments. Pure.

An argument becomes part of one word and never more: no shell reads it, and it cannot become an option.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

HOLE = re.compile(r"\{([a-z_][a-z0-9_]*)\}")
"""``{name}`` is a hole where that argument is declared, and just text where it is not (a template's own braces)."""

PLAIN = re.compile(r"[A-Za-z0-9_.:/@+=,][A-Za-z0-9_.:/@+=, -]{0,199}")
"""What an argument may be where the configuration gives no pattern of its own."""


class Unfit(ValueError):
    """An argument is missing or is not what the configuration allows."""


Patterns = Mapping[str, re.Pattern[str]]
"""The declared arguments, each with what it may be."""


@dataclass(frozen=True, slots=True)
class Line:
    """Words with holes."""

    words: tuple[str, ...]

    def holes(self, declared: Patterns) -> tuple[str, ...]:
        """The names of the arguments that it needs, in order."""
        found = (m.group(1) for word in self.words for m in HOLE.finditer(word))
        return tuple(dict.fromkeys(name for name in found if name in declared))

    def filled(self, args: Mapping[str, object], declared: Patterns) -> list[str]:
        """The argument list. Raises :class:`Unfit` for an argument that is missing or not allowed.

        >>> Line(("kubectl", "--to={to}", "{end}")).filled({"to": "42"}, {"to": PLAIN})
        ['kubectl', '--to=42', '{end}']
        """
        values = {name: fit(name, args.get(name), declared[name]) for name in self.holes(declared)}
        return [HOLE.sub(lambda m: values.get(m.group(1), m.group(0)), word) for word in self.words]

    def shown(self, args: Mapping[str, object], declared: Patterns) -> str:
        """The line for people, quoted as a shell would need it."""
        return shlex.join(self.filled(args, declared))


def fit(name: str, value: object, pattern: re.Pattern[str]) -> str:
    """The argument as text, if it may stand in a command line."""
    if value is None or value == "" or isinstance(value, bool | list | tuple | dict):
        raise Unfit(f"say which {name}: it stands in the command line")
    text = str(value)
    if not pattern.fullmatch(text):
        what = "has characters that no argument may have" if pattern is PLAIN else f"must match {pattern.pattern}"
        raise Unfit(f"{name} {text!r} {what}")
    if text.startswith("-"):
        raise Unfit(f"{name} {text!r} would be an option")
    return text
