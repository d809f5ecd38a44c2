"""Findings for people and for programs. What documents bring in is shown as it is, never acted on by a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hutch.runbook.lint.findings import Finding, Level, Rule
from hutch.runbook.visible import visible

Paint = Callable[[str, str], str]
"""Gives a text a colour, by its name."""


@dataclass(frozen=True, slots=True)
class Report:
    """What was found in ``files`` files; ``unreadable`` says of each file that could not be read why.

    ``total`` counts all that was found, ``findings`` are those that are told of.
    """

    rules: tuple[Rule, ...]
    files: int = 0
    findings: tuple[Finding, ...] = ()
    suppressed: int = 0
    unreadable: Mapping[str, str] = field(default_factory=dict)
    errors: int = 0
    warnings: int = 0

    @property
    def left_out(self) -> int:
        """How many findings are not told of."""
        return self.errors + self.warnings - len(self.findings)


def plain(text: str, _colour: str) -> str:
    """No colour."""
    return text


def one_line(text: str) -> str:
    """``text`` on one line, with hidden characters and controls as their escapes."""
    shown = visible(text).replace("\n", "\\n").replace("\t", " ")
    return shown.encode("utf-8", "backslashreplace").decode()


def as_text(report: Report, paint: Paint = plain) -> str:
    """``PATH:LINE: level CODE: message``, a line with the safer form, and a last line that sums up."""
    lines = [line for found in report.findings for line in _lines(found, paint)]
    if report.findings:
        lines.append("")
    if report.left_out:
        lines.append(f"{report.left_out} more not shown; --max 0 shows all")
    return "\n".join([*lines, _total(report)])


def _lines(found: Finding, paint: Paint) -> Iterator[str]:
    level = found.rule.level
    place = paint(f"{one_line(found.source)}:{found.line}:", "bold")
    word = paint(level.value, "red" if level is Level.ERROR else "yellow")
    yield f"{place} {word} {found.rule.code}: {one_line(found.message)}"
    if found.safer:
        yield f"    {paint('safer:', 'green')} {one_line(found.safer)}"


def _total(report: Report) -> str:
    counts = (_count(report.errors, "error"), _count(report.warnings, "warning"), _count(report.files, "file"))
    quiet = f", {report.suppressed} suppressed" if report.suppressed else ""
    code = report.findings[0].rule.code if report.findings else ""
    why = f"; hutch runbook lint --explain {code} says why and shows how" if code else ""
    return f"{counts[0]}, {counts[1]} in {counts[2]}{quiet}{why}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


# ------------------------------------------------------------------ for programs


def as_json(report: Report) -> dict[str, Any]:
    """Stable keys: ``version``, ``files``, ``suppressed``, ``left_out``, ``findings``, ``errors``."""
    return {
        "version": 1,
        "files": report.files,
        "suppressed": report.suppressed,
        "left_out": report.left_out,
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


def with_safer(found: Finding) -> str:
    """The message and the safer form, for where there is one field for both."""
    return f"{found.message}\nSafer: {found.safer}" if found.safer else found.message
