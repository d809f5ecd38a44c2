"""Reads what `pip-audit -f json`, `npm audit --json` and `osv-scanner --format json` report. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hutch.model.advisory import Advisory, Rating

GHSA = re.compile(r"GHSA(?:-[0-9a-z]{4}){3}")
BEGIN = re.compile(r"^[{\[]", re.MULTILINE)
"""Where the report begins: a tool may say something before it."""
UNKNOWN = "no report of pip-audit, npm audit or OSV-Scanner"
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Report:
    """What one report says. ``installed``: the versions of each package, where it tells them."""

    advisories: tuple[Advisory, ...]
    installed: Mapping[str, frozenset[str]] = field(default_factory=dict)


def read(text: str) -> Report:
    """``ValueError`` says what is wrong with it."""
    begin = BEGIN.search(text)
    if begin is None:
        raise ValueError("it holds no JSON")
    try:
        found, _ = json.JSONDecoder().raw_decode(text, begin.start())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"its JSON can't be read: {error}") from error
    try:
        return _reader(found)(found)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"it is not of the expected form: {type(error).__name__}") from error


def _reader(found: Any) -> Callable[[Any], Report]:
    if isinstance(found, list) and all(isinstance(row, dict) and "name" in row for row in found):
        return _pip  # pip-audit before 2.0
    if isinstance(found, dict):
        if found.get("error"):
            raise ValueError(f"the tool failed: {str(found['error'])[:200]}")
        if isinstance(found.get("dependencies"), list):
            return lambda whole: _pip(whole["dependencies"])
        if isinstance(found.get("vulnerabilities"), dict) and "auditReportVersion" in found:
            return _npm
        if isinstance(found.get("advisories"), dict) and "metadata" in found:
            return _npm_of_old
        if isinstance(found.get("results"), list):
            return _osv
    raise ValueError(UNKNOWN)


# ------------------------------------------------------------------ pip-audit


def _pip(rows: Sequence[Row]) -> Report:
    """Every package, the sound ones too; no ratings."""
    advisories = [
        Advisory(tuple(dict.fromkeys((v["id"], *v.get("aliases", ())))), _pip_name(row["name"]), str(row["version"]))
        for row in rows
        for v in row.get("vulns", ())
    ]
    return Report(tuple(advisories), _installed((_pip_name(r["name"]), r["version"]) for r in rows if "version" in r))


def _pip_name(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


# ------------------------------------------------------------------ npm


def _npm(found: Row) -> Report:
    """Only what is vulnerable, by the versions that are; what depends on it is named, and is none of its own."""
    rows = [via for row in found["vulnerabilities"].values() for via in row["via"] if isinstance(via, dict)]
    known = {(via["source"], via.get("name")): via for via in rows}
    return Report(tuple(
        Advisory(_npm_names(via), str(via["name"]), str(via.get("range") or "?"), Rating.of(str(via.get("severity"))))
        for via in known.values()
    ))  # fmt: skip


def _npm_of_old(found: Row) -> Report:
    """As npm 6 and pnpm say it."""
    return Report(tuple(
        Advisory(_npm_names(row), str(row["module_name"]), str(finding["version"]), Rating.of(str(row.get("severity"))))
        for row in found["advisories"].values()
        for finding in row["findings"]
    ))  # fmt: skip


def _npm_names(row: Row) -> tuple[str, ...]:
    github = GHSA.search(f"{row.get('github_advisory_id', '')} {row.get('url', '')}")
    own = f"npm {row.get('source') or row.get('id')}"
    return tuple(dict.fromkeys((*([github[0]] if github else []), *row.get("cves", ()), own)))


# ------------------------------------------------------------------ OSV-Scanner


def _osv(found: Row) -> Report:
    packages = [package for result in found["results"] or () for package in result.get("packages") or ()]
    advisories = [advisory for package in packages for advisory in _osv_package(package)]
    return Report(tuple(advisories), _installed((_osv_name(p), p["package"]["version"]) for p in packages))


def _osv_package(row: Row) -> Iterator[Advisory]:
    by_id = {v["id"]: v for v in row.get("vulnerabilities") or ()}
    groups = row.get("groups") or [{"ids": [v["id"]], "aliases": v.get("aliases", ())} for v in by_id.values()]
    for group in groups:
        names = tuple(dict.fromkeys((*group["ids"], *(group.get("aliases") or ()))))
        version = str(row["package"]["version"])
        yield Advisory(names, _osv_name(row), version, _osv_rating(group, [by_id[i] for i in names if i in by_id]))


def _osv_name(row: Row) -> str:
    package = row["package"]
    return f"{package['ecosystem']} {package['name']}"


def _osv_rating(group: Row, rows: Sequence[Row]) -> Rating | None:
    """By the group's highest score, else by what the database says."""
    score = str(group.get("max_severity") or "")
    if re.fullmatch(r"\d+(\.\d+)?", score):
        return Rating.scored(float(score))
    said = (Rating.of(str((row.get("database_specific") or {}).get("severity") or "")) for row in rows)
    return max((rating for rating in said if rating), default=None)


def _installed(pairs: Iterable[tuple[str, object]]) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for name, version in pairs:
        found[name] = found.get(name, frozenset()) | {str(version)}
    return found
