"""Findings for people, programs and code scanners."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from hutch.runbook.lint.findings import Finding, Level, Rule

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


@dataclass(frozen=True, slots=True)
class Report:
    """What was found in ``files`` files; ``unreadable`` says of each file that could not be read why."""

    rules: tuple[Rule, ...]
    files: int = 0
    findings: tuple[Finding, ...] = ()
    suppressed: int = 0
    unreadable: Mapping[str, str] = field(default_factory=dict)


def as_text(report: Report) -> str:
    """``PATH:LINE: CODE level: message``, a line with the safer form, and a last line that sums up."""
    return "\n".join([*(line for f in report.findings for line in _lines(f)), _total(report)])


def _lines(found: Finding) -> Iterator[str]:
    yield f"{found.source}:{found.line}: {found.rule.code} {found.rule.level}: {found.message}"
    if found.safer:
        yield f"    safer: {found.safer}"


def _total(report: Report) -> str:
    errors = sum(f.rule.level is Level.ERROR for f in report.findings)
    counts = (_count(errors, "error"), _count(len(report.findings) - errors, "warning"), _count(report.files, "file"))
    quiet = f", {report.suppressed} suppressed" if report.suppressed else ""
    return f"{counts[0]}, {counts[1]} in {counts[2]}{quiet}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def as_json(report: Report) -> dict[str, Any]:
    """Stable keys: ``version``, ``files``, ``suppressed``, ``findings``, ``errors``."""
    return {
        "version": 1,
        "files": report.files,
        "suppressed": report.suppressed,
        "findings": [_finding(found) for found in report.findings],
        "errors": [{"path": path, "message": why} for path, why in report.unreadable.items()],
    }


def _finding(found: Finding) -> dict[str, Any]:
    return {
        "path": found.source,
        "line": found.line,
        "code": found.rule.code,
        "name": found.rule.name,
        "severity": found.rule.level.value,
        "message": found.message,
        "safer": found.safer,
        "page": found.rule.page,
    }


def rules_json(rules: Sequence[Rule]) -> list[dict[str, str]]:
    """The rules as rows."""
    return [
        {"code": r.code, "severity": r.level.value, "name": r.name, "summary": r.summary, "page": r.page} for r in rules
    ]


# ------------------------------------------------------------------ SARIF


def as_sarif(report: Report, version: str) -> dict[str, Any]:
    """SARIF 2.1.0, one run. ``helpUri`` is relative to the folder ``docs``; ``version`` is Hutch's."""
    index = {rule.code: at for at, rule in enumerate(report.rules)}
    driver = {"name": "hutch", "version": version, "rules": [_sarif_rule(rule) for rule in report.rules]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(report)],
        "results": [_result(found, index[found.rule.code]) for found in report.findings],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _invocation(report: Report) -> dict[str, Any]:
    notes = [
        {
            "level": "error",
            "message": {"text": why},
            "locations": [{"physicalLocation": {"artifactLocation": _at(path)}}],
        }
        for path, why in report.unreadable.items()
    ]
    return {"executionSuccessful": not notes, "toolExecutionNotifications": notes}


def _sarif_rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.code,
        "name": rule.name,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.summary},
        "help": {"text": f"{rule.summary}. See docs/{rule.page}."},
        "helpUri": rule.page,
        "defaultConfiguration": {"level": rule.level.value},
    }


def _result(found: Finding, index: int) -> dict[str, Any]:
    safer = f"\nSafer: {found.safer}" if found.safer else ""
    place = {"artifactLocation": _at(found.source), "region": {"startLine": found.line}}
    identity = f"{found.rule.code}\0{found.source}\0{found.message}"
    return {
        "ruleId": found.rule.code,
        "ruleIndex": index,
        "level": found.rule.level.value,
        "message": {"text": f"{found.message}{safer}"},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"hutchFinding/v1": sha256(identity.encode()).hexdigest()[:32]},
    }


def _at(path: str) -> dict[str, str]:
    return {"uri": quote(PurePath(path).as_posix())}
