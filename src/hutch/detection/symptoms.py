"""Which runbook an alert is about, by the words that both use. Pure.

A candidate's words are those of its title, its chapter and its symptoms; an alert's those of its name, its signal or
cause, and its summary. A word counts for as much as it tells runbooks apart.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

ENOUGH = 0.3
"""The least share of an alert's words, by what they tell, that a runbook must know to be about it."""

CLEAR = 0.12
"""By how much the first must lead the second to be taken without asking."""

CHOICES = 4
"""The most runbooks between which a person is asked to choose."""

_STOP = """a an and are as at be by can for from has have high in into is it its low no not of on or rule since than
that the there they this to too was what when which while who with alert service value percent step"""

STOP = frozenset(_STOP.split())
"""Words that tell no runbook from another."""

SAME: Mapping[str, str] = {
    "db": "database", "postgres": "database", "postgresql": "database", "sql": "database",
    "down": "outage", "unresponsive": "outage", "unreachable": "outage", "unavailable": "outage", "offline": "outage",
    "500": "error", "502": "error", "503": "error", "5xx": "error", "fail": "error", "failing": "error",
    "failed": "error", "failure": "error",
    "latency": "slow", "slower": "slow", "slowness": "slow", "timeout": "slow", "response": "slow", "hang": "slow",
    "conn": "connection", "client": "connection", "pool": "connection",
    "storage": "disk", "filesystem": "disk", "query": "statement", "querie": "statement",
    "lock": "lock", "blocked": "lock", "deadlock": "lock", "login": "login", "log-in": "login",
    "deleted": "deletion", "delete": "deletion", "export": "breach", "leak": "breach",
    "deploy": "deployment", "release": "deployment", "rollback": "deployment", "cache": "redis", "valkey": "redis",
}  # fmt: skip
"""Words that mean the same here."""

SIGNAL_WORDS: Mapping[str, str] = {
    "uptime": "outage site down unresponsive",
    "error_rate": "errors 500 503 failing requests outage",
    "p50_response_time": "slow response times performance",
    "p95_response_time": "slow response times performance",
    "p99_response_time": "slow response times performance",
    "db_cpu": "database cpu",
    "db_connections": "database connection pool exhausted clients",
    "db_connections_used": "database connection pool exhausted clients",
    "db_query_time": "database slow queries",
    "db_size": "database disk storage",
    "disk_used": "disk storage full",
    "backup_age": "backup overdue",
    "cpu": "cpu load scale",
    "memory": "memory load scale",
    "request_rate": "traffic load scale",
}
"""What a signal is about, in the words of runbooks."""

KNOWN: Mapping[str, tuple[str, ...]] = {
    "High Error Rate": ("service-outage",),
    "Service Down": ("service-outage",),
    "Database CPU High": ("high-cpu-usage", "postgres-high-cpu"),
    "Response Time Slow": ("high-response-times", "slow-responses"),
}
"""The rules of RoleRabbit's runbooks, and the anchors or documents that answer them: in its own, then in ours."""

_WORD = re.compile(r"[a-z0-9]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A runbook that could answer: ``DOC#anchor``, and what it says of itself."""

    reference: str
    title: str
    chapter: str = ""
    symptoms: str = ""


@dataclass(frozen=True, slots=True)
class Fit:
    """How well a runbook fits: the share of what the alert says that it knows, from 0 to 1, and by which words."""

    reference: str
    title: str
    score: float
    words: tuple[str, ...] = ()


def words(text: str) -> list[str]:
    """The words that tell something, in one form: small, without plural, each kind by one name.

    >>> words("Too many DB connections: the queries time out")
    ['many', 'database', 'connection', 'statement', 'time', 'out']
    """
    flat = _CAMEL.sub(" ", text).lower().replace("log-in", "login").replace("scale down", "scale").replace("_", " ")
    found = (_plain(word) for word in _WORD.findall(flat))
    return [word for word in found if word not in STOP and len(word) > 1]


def _plain(word: str) -> str:
    if word in SAME or word in STOP:
        return SAME.get(word, word)
    single = word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
    return SAME.get(single, single)


@dataclass(frozen=True, slots=True)
class Said:
    """What an alert says: ``names`` by its name, signal or cause; ``more`` in its summary."""

    names: frozenset[str]
    more: frozenset[str] = frozenset()


def said(rule: str, signal: str, summary: str, cause: str = "") -> Said:
    """The words of an alert. Figures are left out: they tell no runbook from another."""
    names = frozenset(words(f"{rule} {SIGNAL_WORDS.get(signal, signal)} {cause.replace('.', ' ')}"))
    return Said(names, frozenset(words(re.sub(r"[\d.,]+\S*", " ", summary))) - names)


def ranked(asked: Said, candidates: Sequence[Candidate]) -> list[Fit]:
    """All that fit at all, the best first. One word of a summary alone is no fit."""
    known = {c.reference: _own(c) for c in candidates}
    tells = _tells(asked, list(known.values()))
    whole = math.fsum(tells.values())
    fits = []
    for candidate in candidates:
        own = known[candidate.reference]
        shared = {w: tells[w] * own[w] for w in tells if w in own}
        if shared.keys() & asked.names or len(shared) > 1:
            best = sorted(shared, key=lambda w: (-shared[w], w))[:5]
            score = min(math.fsum(shared.values()) / whole, 1.0)
            fits.append(Fit(candidate.reference, candidate.title, round(score, 3), tuple(best)))
    return sorted((f for f in fits if f.score >= ENOUGH), key=lambda f: (-f.score, f.reference))


def decided(fits: Sequence[Fit]) -> Fit | None:
    """The one that is clearly meant; None where nothing fits, or several do."""
    if not fits:
        return None
    return fits[0] if len(fits) == 1 or fits[0].score - fits[1].score >= CLEAR else None


def choices(fits: Sequence[Fit]) -> tuple[Fit, ...]:
    """Those between which a person has to choose: the best, and what is close behind."""
    return tuple(f for f in fits if fits[0].score - f.score < 2 * CLEAR)[:CHOICES]


def mapped(rule: str, references: Iterable[str]) -> str:
    """The runbook that is known to answer a rule of that name, among these; or nothing."""
    found = list(references)
    for wanted in KNOWN.get(rule, ()):
        for reference in found:
            name, _, anchor = reference.partition("#")
            if wanted == anchor or wanted == name.removesuffix(".md"):
                return reference
    return ""


def _own(candidate: Candidate) -> dict[str, float]:
    """Its words, each with how much it says about it: those of the title all, of symptoms and chapter less."""
    own: dict[str, float] = {}
    for text, weight in ((candidate.title, 1.0), (candidate.symptoms, 0.75), (candidate.chapter, 0.5)):
        for word in words(text):
            own[word] = max(own.get(word, 0.0), weight)
    return own


def _tells(asked: Said, known: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """How much each word tells runbooks apart: less, the more of them have it. A name's word that none has speaks
    against all; one of the summary says nothing."""
    having = Counter(word for own in known for word in own)
    count = max(len(known), 1)
    unknown = dict.fromkeys((w for w in asked.names if not having[w]), math.log(1 + count) / 2)
    return unknown | {w: math.log(1 + count / having[w]) for w in asked.names | asked.more if having[w]}
