"""Findings in the forms that code hosts read: SARIF 2.1.0, GitLab's code quality, GitHub's annotations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from hutch.runbook.lint.findings import Finding, Level, Rule
from hutch.runbook.lint.report import Report, one_line, with_safer

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def as_sarif(report: Report, version: str, pages: Mapping[str, str]) -> dict[str, Any]:
    """SARIF 2.1.0, one run. ``version`` is Hutch's, ``pages`` each rule's page as Markdown.

    A page has no public address, so the rules carry it whole (``help``) and no ``helpUri``.
    """
    index = {rule.code: at for at, rule in enumerate(report.rules)}
    rules = [_rule(rule, pages.get(rule.code, rule.summary)) for rule in report.rules]
    identities = _identities(report.findings)
    run = {
        "tool": {"driver": {"name": "hutch", "version": version, "rules": rules}},
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(report)],
        "results": [
            _result(found, index[found.rule.code], identity)
            for found, identity in zip(report.findings, identities, strict=True)
        ],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _invocation(report: Report) -> dict[str, Any]:
    notes: list[dict[str, Any]] = [
        {
            "level": "error",
            "message": {"text": why},
            "locations": [{"physicalLocation": {"artifactLocation": _at(path)}}],
        }
        for path, why in report.unreadable.items()
    ]
    if report.left_out:
        notes.append({"level": "note", "message": {"text": f"{report.left_out} more findings are left out (--max)"}})
    return {"executionSuccessful": not report.unreadable, "toolExecutionNotifications": notes}


def _rule(rule: Rule, page: str) -> dict[str, Any]:
    return {
        "id": rule.code,
        "name": rule.name,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": f"{rule.summary} (docs/{rule.page})."},
        "help": {"text": f"hutch runbook lint --explain {rule.code}, or docs/{rule.page}", "markdown": page},
        "defaultConfiguration": {"level": rule.level.value},
    }


def _result(found: Finding, index: int, identity: str) -> dict[str, Any]:
    place = {"artifactLocation": _at(found.source), "region": {"startLine": found.line}}
    return {
        "ruleId": found.rule.code,
        "ruleIndex": index,
        "level": found.rule.level.value,
        "message": {"text": with_safer(found)},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"hutchFinding/v1": identity},
    }


def _at(path: str) -> dict[str, str]:
    pure = PurePath(path)
    quoted = quote(pure.as_posix(), errors="surrogateescape")
    return {"uri": f"file://{quoted}" if pure.is_absolute() else quoted}


def _identities(findings: Iterable[Finding]) -> Iterator[str]:
    """What stays the same of a finding while lines move: rule, file, message, and which of those it is."""
    seen: Counter[str] = Counter()
    for found in findings:
        identity = f"{found.rule.code}\0{found.source}\0{found.message}"
        seen[identity] += 1
        yield sha256(f"{identity}\0{seen[identity]}".encode("utf-8", "surrogateescape")).hexdigest()[:32]


# ------------------------------------------------------------------ GitLab, GitHub

GITLAB = {Level.ERROR: "major", Level.WARNING: "minor"}


def as_gitlab(report: Report) -> list[dict[str, Any]]:
    """GitLab's code quality report: a list of issues. What cannot be read is a blocker at its first line."""
    identities = _identities(report.findings)
    found = [
        _issue(one.rule.code, with_safer(one), GITLAB[one.rule.level], (one.source, one.line), identity)
        for one, identity in zip(report.findings, identities, strict=True)
    ]
    return [
        *found,
        *(
            _issue(
                "unreadable", why, "blocker", (path, 1), sha256(f"{path}\0{why}".encode("utf-8", "replace")).hexdigest()
            )
            for path, why in report.unreadable.items()
        ),
    ]


def _issue(check: str, text: str, severity: str, place: tuple[str, int], identity: str) -> dict[str, Any]:
    return {
        "description": text,
        "check_name": check,
        "fingerprint": identity,
        "severity": severity,
        "location": {"path": place[0], "lines": {"begin": place[1]}},
    }


def as_github(report: Report) -> str:
    """GitHub's workflow commands, which it shows beside the lines of a pull request; a line for each finding."""
    lines = [
        _command(one.rule.level.value, one.source, one.line, f"{one.rule.code} {one.rule.name}", with_safer(one))
        for one in report.findings
    ]
    lines += [_command("error", path, 1, "unreadable", why) for path, why in report.unreadable.items()]
    return "\n".join(lines)


def _command(level: str, path: str, line: int, title: str, text: str) -> str:
    shown = "%0A".join(_escaped(one_line(part)) for part in text.split("\n"))
    return f"::{level} file={_property(one_line(path))},line={line},title={_property(title)}::{shown}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
