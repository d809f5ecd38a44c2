"""``hutch runbook lint``: the files to look at, what their links lead to, and the rules' word on each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from urllib.parse import unquote

from hutch.commands.context import CommandError
from hutch.commands.documents import MAX_BYTES, classified, names
from hutch.runbook.errors import RunbookError
from hutch.runbook.lint import Finding, Place, Rule, Surroundings, lint
from hutch.runbook.lint.report import Report
from hutch.runbook.parse import parse

SKIPPED = frozenset({".git", ".venv", "node_modules"})
"""Folders that hold other people's documents."""


def lint_paths(paths: Sequence[Path], rules: Sequence[Rule], today: date) -> Report:
    """What the rules find in these files and in the Markdown below these folders. Needs no configuration.

    Raises :class:`CommandError` for a path that does not exist.
    """
    found: list[Finding] = []
    unreadable: dict[str, str] = {}
    suppressed = count = 0
    for path in files(paths):
        count += 1
        try:
            text = _text(path)
        except (OSError, UnicodeDecodeError, ValueError) as error:
            unreadable[str(path)] = getattr(error, "strerror", None) or str(error)
            continue
        result = lint(text, str(path), classified, Surroundings(today, _Beside(path).place), rules)
        found += result.findings
        suppressed += result.suppressed
    return Report(tuple(rules), count, tuple(found), suppressed, unreadable)


def files(paths: Sequence[Path]) -> Iterator[Path]:
    """Each file once: those named, and every ``*.md`` below the folders named."""
    seen: set[Path] = set()
    for path in paths:
        place = path if path.exists() else _of_library(path)
        below = [place] if place.is_file() else sorted(p for p in place.rglob("*.md") if not SKIPPED & set(p.parts))
        for one in below:
            if one.resolve() not in seen:
                seen.add(one.resolve())
                yield one


def _of_library(path: Path) -> Path:
    known = names()
    if str(path) not in known:
        raise CommandError(f"{path}: neither a file or folder nor one of the library's: {', '.join(known)}", 2)
    return known[str(path)]


def _text(path: Path) -> str:
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(f"larger than {MAX_BYTES // 1024 // 1024} MB; a runbook is not")
    content = path.read_bytes()
    if b"\0" in content:
        raise ValueError("not a text file: it holds a NUL byte")
    return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")


class _Beside:
    """What relative links of one document lead to."""

    def __init__(self, document: Path) -> None:
        self._folder = document.parent
        self._known: dict[str, Place | None] = {}

    def place(self, target: str) -> Place | None:
        """The file or folder there, with its anchors where it is Markdown; None where there is nothing."""
        if target not in self._known:
            self._known[target] = self._look(target)
        return self._known[target]

    def _look(self, target: str) -> Place | None:
        path = self._folder / unquote(target)
        try:
            if not path.exists():
                return None
            return Place(frozenset(parse(_text(path), str(path)).anchors)) if path.suffix == ".md" else Place()
        except (OSError, UnicodeDecodeError, ValueError, RunbookError):
            return Place()  # there, and nobody can say what it holds
