"""What a statement can do to the world, and why we say so (DESIGN §3)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum


class Effect(IntEnum):
    """Ordered by harm: the effect of a whole is the greatest effect of its parts."""

    NONE = 0  # not executable: prose, a template, a code sample
    READ = 1
    CHANGE = 2  # also everything unknown; ending sessions, restarts and roll-backs
    DESTROY = 3  # loses data or history that no re-run restores

    @property
    def word(self) -> str:
        """The word used in documents, JSON and on pages: ``read``, ``change`` …"""
        return self.name.lower()

    @classmethod
    def of(cls, word: str) -> Effect:
        """The effect that ``word`` names. Raises ``ValueError`` naming the known words."""
        try:
            return cls[word.upper()]
        except KeyError:
            known = ", ".join(e.word for e in cls)
            raise ValueError(f"unknown effect {word!r}; one of: {known}") from None


LONGEST_WHY = 160
"""Characters of a reason."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """An effect and the one line that says what decided it.

    ``sensitive`` marks reads of secrets or of personal rows: a person asks for them, and what
    they return never reaches a customer text.
    """

    effect: Effect
    why: str
    sensitive: bool = False
    endless: bool = False

    def at_least(self, effect: Effect, why: str) -> Verdict:
        """This verdict, raised to ``effect`` when that is the greater harm; never lowered."""
        return self if self.effect >= effect else replace(self, effect=effect, why=why)

    def told(self) -> Verdict:
        """This verdict with its reason in one short line of signs that can be seen, whatever text it quotes."""
        if len(self.why) <= LONGEST_WHY and self.why.isprintable():
            return self
        why = " ".join("".join(sign if sign.isprintable() else " " for sign in self.why).split())
        return replace(self, why=why if len(why) <= LONGEST_WHY else f"{why[: LONGEST_WHY - 1]}…")

    def marked(self, *, sensitive: bool, endless: bool) -> Verdict:
        """This verdict with these marks."""
        if self.sensitive is sensitive and self.endless is endless:
            return self
        return replace(self, sensitive=sensitive, endless=endless)


def worst(verdicts: list[Verdict]) -> Verdict:
    """The verdict of a whole: the first of the most harmful parts, sensitive or endless if any part is."""
    if not verdicts:
        return Verdict(Effect.NONE, "nothing to run")
    if len(verdicts) == 1:
        return verdicts[0]
    top = max(verdicts, key=lambda v: v.effect)
    return top.marked(sensitive=any(v.sensitive for v in verdicts), endless=any(v.endless for v in verdicts))
