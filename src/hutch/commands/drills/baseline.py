"""What others would have concluded of a drill: looks and the rules that read them, as data; and their score. Pure.

A baseline is a file of ``baselines/``: looks in their order, each with a question (of the service's address, its
database, its cache, its name or its deployments) and the rule by which an answer means a cause.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.resources import files
from string import Template
from typing import Any

ASKS = ("http", "dns", "sql", "redis", "deployments", "command")
RULES = ("rows", "above", "fails", "no answer", "status", "slower", "missing", "within")
SYMPTOMS = frozenset({"http.error_rate", "http.slow", "http.unreachable"})
"""What says that something is wrong, not what: as with Hutch's own, a cause that says more goes before."""


class BadBaseline(ValueError):
    """The file is no baseline; the text says which look and why."""


@dataclass(frozen=True, slots=True)
class Look:
    """One question. ``when`` is the rule (of :data:`RULES`), ``limit`` its number and ``text`` its words; ``means`` the
    cause code, ``kind`` and ``id`` its object: ``id`` is a template over the row's columns and the service's names."""

    at: str
    asks: str
    when: str
    means: str
    kind: str
    id: str
    question: str = ""
    login: str = "reader"
    limit: float = 0.0
    text: str = ""
    in_trouble: bool = False
    """Asked only where an earlier look has found that something is wrong."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """A way of looking, and where it is from."""

    name: str
    about: str
    looks: tuple[Look, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a question gave: rows, a status, seconds, or why there was no answer (``error``)."""

    rows: Sequence[Mapping[str, Any]] = ()
    status: int = 0
    seconds: float = 0.0
    error: str = ""


@dataclass(frozen=True, slots=True)
class Conclusion:
    """A cause that a baseline comes to, its object, and the look."""

    code: str
    kind: str
    id: str
    at: str


@dataclass(frozen=True, slots=True)
class Marks:
    """How a baseline did in one drill: its first conclusion is exact, the right one is among all of them, or it kept
    silent; None where the question does not arise."""

    first: bool | None = None
    among: bool | None = None
    silent: bool | None = None
    said: tuple[Mapping[str, str], ...] = field(default_factory=tuple)
    failed: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return asdict(self)


def bundled() -> list[Baseline]:
    """Those that are shipped, by their names."""
    folder = files("hutch.commands.drills").joinpath("baselines")
    named = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".toml")), key=lambda e: e.name)
    return [read(entry.name.removesuffix(".toml"), entry.read_text(encoding="utf-8")) for entry in named]


def read(name: str, text: str) -> Baseline:
    """The baseline of a file's text. Raises :class:`BadBaseline`."""
    try:
        data = tomllib.loads(text)
        looks = tuple(Look(**row) for row in data["look"])
        about = str(data["about"])
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise BadBaseline(f"{name}: {error}") from error
    for look in looks:
        if look.asks not in ASKS or look.when not in RULES:
            raise BadBaseline(f"{name}: {look.at}: asks {look.asks!r}, when {look.when!r}")
    return Baseline(name, about, looks)


def conclude(look: Look, answer: Answer, names: Mapping[str, str]) -> list[Conclusion]:
    """What the answer means, by the look's rule; ``names`` are the service's."""
    return [_conclusion(look, {**names, **row}) for row in _hits(look, answer)]


def _hits(look: Look, answer: Answer) -> Sequence[Mapping[str, Any]]:
    match look.when:
        case "rows":
            return answer.rows
        case "above":
            return [row for row in answer.rows if _number(row) > look.limit]
        case "within":
            return [row for row in answer.rows if _number(row) <= look.limit]
        case "missing":
            return [] if answer.error or answer.rows else [{}]
        case "fails":
            return [{}] if answer.error and look.text in answer.error else []
        case "no answer":
            return [{}] if answer.error else []
        case "status":
            return [{}] if not answer.error and look.limit <= answer.status < look.limit + 100 else []
        case _:
            return [{}] if not answer.error and answer.seconds > look.limit else []


def _number(row: Mapping[str, Any]) -> float:
    """The row's ``value``; no number is below every limit."""
    try:
        return float(row["value"])
    except (KeyError, TypeError, ValueError):
        return float("-inf")


def _conclusion(look: Look, row: Mapping[str, Any]) -> Conclusion:
    return Conclusion(look.means, look.kind, Template(look.id).safe_substitute(row), look.at)


def ordered(found: Sequence[Conclusion]) -> list[Conclusion]:
    """As they came, but what says only that something is wrong behind what says more; each once."""
    first: dict[tuple[str, str, str], Conclusion] = {}
    for one in found:
        first.setdefault((one.code, one.kind, one.id), one)
    distinct = list(first.values())
    return [c for c in distinct if c.code not in SYMPTOMS] + [c for c in distinct if c.code in SYMPTOMS]


Wanted = Sequence[tuple[str, Sequence[tuple[str, str]]]]
"""The causes that are right, each with the kinds and ids of the objects that may be named."""


def marks(found: Sequence[Conclusion], wanted: Wanted, broken: bool, failed: Sequence[str] = ()) -> Marks:
    """Score the conclusions of one drill: by the first alone, and generously by all."""
    said = tuple({"cause": c.code, "object": f"{c.kind} {c.id}", "at": c.at} for c in found[:10])
    if not broken:
        return Marks(silent=not found, said=said, failed=tuple(failed))
    if not wanted:
        return Marks(said=said, failed=tuple(failed))
    hits = [
        {i for i, c in enumerate(found) if c.code == code and (c.kind, c.id) in objects} for code, objects in wanted
    ]
    first = all(hits) and all(min(hit) < len(wanted) for hit in hits)
    return Marks(first=first, among=all(hits), said=said, failed=tuple(failed))


def _where(found: Sequence[Conclusion], code: str, objects: Sequence[tuple[str, str]]) -> list[int]:
    """At which places this cause with one of these objects was concluded."""
    return [i for i, c in enumerate(found) if c.code == code and (c.kind, c.id) in objects]


def totals(results: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """For each baseline over the ``baselines`` of many results: how often first, among and silent, of how many."""
    names = dict.fromkeys(name for result in results for name in result)
    return {name: _total([result[name] for result in results if name in result]) for name in names}


def _total(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    def share(mark: str) -> dict[str, Any]:
        given = [row[mark] for row in rows if row[mark] is not None]
        right = sum(given)
        return {"right": right, "of": len(given), "share": round(right / len(given), 4) if given else None}

    return {mark: share(mark) for mark in ("first", "among", "silent")}
