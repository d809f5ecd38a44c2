"""Prometheus' text format (version 0.0.4, and what of OpenMetrics a scrape can meet) as samples.

Written out here since several providers read it and a scrape must not depend on a client library for *serving* metrics.
Rules: prometheus.io/docs/instrumenting/exposition_formats.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime

from hutch.model.action import Sample

_PAIR = r'\s*([a-zA-Z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*'
_PAIRS = re.compile(rf"(?:{_PAIR}(?:,{_PAIR})*,?)?\s*")
_ONE_PAIR = re.compile(_PAIR)
_SAMPLE = re.compile(
    r"([a-zA-Z_:][\w:]*)"  # name
    r'(?:\s*\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\})?'  # labels
    r"\s*(?<![\w:])([^\s#]+)"  # value
    r"(?:\s+-?[\d.]+(?:e[+-]?\d+)?)?\s*(?:#.*)?"  # time stamp, exemplar
)
_ESCAPE = re.compile(r"\\(.)")
_SUFFIXES = ("_total", "_bucket", "_count", "_sum")


def samples(text: str, at: datetime) -> list[Sample]:
    """The samples of a scrape at ``at``, each with its kind; creation times are left out.

    Time stamps of the source are ignored: a scrape is of one moment. ``ValueError`` names the first line that is not
    in the format.
    """
    types: dict[str, str] = {}
    return list(_read(text, at, types))


def _read(text: str, at: datetime, types: dict[str, str]) -> Iterator[Sample]:
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip()
        if line.startswith("#"):
            _note_type(line, types)
        elif line:
            sample = _sample(line, at, types)
            if sample is None:
                raise ValueError(f"line {number} is not in Prometheus' text format: {line[:80]!r}")
            if not sample.name.endswith("_created"):
                yield sample


def _note_type(line: str, types: dict[str, str]) -> None:
    words = line.split()
    if len(words) == 4 and words[:2] == ["#", "TYPE"]:
        types[words[2]] = words[3]


def _sample(line: str, at: datetime, types: Mapping[str, str]) -> Sample | None:
    found = _SAMPLE.fullmatch(line)
    labels = found.group(2) or "" if found else ""
    value = _number(found.group(3)) if found else None
    if found is None or value is None or not _PAIRS.fullmatch(labels):
        return None
    name = found.group(1)
    return Sample(name, {k: _plain(v) for k, v in _ONE_PAIR.findall(labels)}, value, at, _kind(name, types))


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _plain(text: str) -> str:
    return _ESCAPE.sub(lambda found: "\n" if found.group(1) == "n" else found.group(1), text)


def _kind(name: str, types: Mapping[str, str]) -> str:
    """``counter``, ``bucket`` (of a histogram, cumulative) or ``gauge``, the last also for what has no type."""
    if name in types:
        return "counter" if types[name] == "counter" else "gauge"
    suffix = next((s for s in _SUFFIXES if name.endswith(s)), "")
    family = types.get(name.removesuffix(suffix), "")
    if family == "histogram" and suffix == "_bucket":
        return "bucket"
    grows = {"counter": {"_total"}, "histogram": {"_count", "_sum"}, "summary": {"_count", "_sum"}}
    return "counter" if suffix in grows.get(family, set()) else "gauge"
