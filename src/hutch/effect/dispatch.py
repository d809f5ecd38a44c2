"""The effect of a statement by the language of its block."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache

from hutch.effect.http import classify_http
from hutch.effect.shell import classify_shell
from hutch.effect.sql import classify_sql
from hutch.model.effect import Effect, Verdict

_SHELLS = ("bash", "sh", "shell", "console", "zsh", "shell-session", "sh-session")
_HOLES = dict.fromkeys(_SHELLS, "$HOLE") | {"sql": "$1", "postgresql": "$1", "psql": "$1"}


def classify(lang: str, text: str, holes: Iterable[tuple[int, int]] = ()) -> Verdict:
    """What ``text``, a statement of a block in language ``lang``, can do; ``none`` where it is not run.

    ``holes`` are the offsets of placeholders (``<pod>``, ``{{ x }}``), each judged as one unknown value:
    before they are filled in, their marks would read as something else. A filled-in text is judged again.
    """
    lang = lang.strip().lower()
    kept, at = [], 0
    for start, end in sorted(holes):
        kept += [text[at:start], _HOLES.get(lang, "x")]
        at = end
    text = "".join((*kept, text[at:]))
    return _remembered(lang, text) if len(text) <= _SHORT else _classify(lang, text)


_SHORT = 4096
"""Characters of a text whose verdict is remembered; longer ones would fill the memory."""


def forget() -> None:
    """Drop every verdict that is remembered from texts seen before, for those who measure."""
    _remembered.cache_clear()


@lru_cache(maxsize=8192)
def _remembered(lang: str, text: str) -> Verdict:
    return _classify(lang, text)


def _classify(lang: str, text: str) -> Verdict:
    judge = _JUDGES.get(lang)
    return judge(text) if judge else Verdict(Effect.NONE, f"{lang or 'plain text'} is not run")


def _promql(_: str) -> Verdict:
    return Verdict(Effect.READ, "PromQL has no statement that changes anything")


def _python(_: str) -> Verdict:
    return Verdict(Effect.CHANGE, "a program can do anything")


_JUDGES: dict[str, Callable[[str], Verdict]] = {
    **dict.fromkeys(_SHELLS, classify_shell),
    **dict.fromkeys(("sql", "postgresql", "psql"), classify_sql),
    "http": classify_http,
    "promql": _promql,
    "python": _python,
}
