"""``hutch runbook lint``: the files to look at, what their links lead to, and the rules' word on each."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from importlib import resources
from pathlib import Path

from hutch.commands.context import CommandError
from hutch.commands.documents import MAX_BYTES, classified, names
from hutch.runbook.errors import RunbookError
from hutch.runbook.lint import RULES, Finding, Level, Place, Rule, Surroundings, lint, place_of
from hutch.runbook.lint.explain import explained
from hutch.runbook.lint.links import own_anchors
from hutch.runbook.lint.report import Report
from hutch.runbook.parse import parse

SKIPPED = frozenset({".git", ".venv", "node_modules"})
"""Folders that hold other people's documents."""

MARKDOWN = frozenset({".md", ".markdown"})


def lint_paths(paths: Sequence[Path], rules: Sequence[Rule], today: date, most: int = 0) -> Report:
    """What the rules find in these files and in the Markdown below these folders. Needs no configuration.

    At most ``most`` findings are kept (0: all); all are counted. Raises :class:`CommandError` for a path that does not
    exist and for a folder without Markdown: a CI that looks at nothing must not be green.
    """
    found: list[Finding] = []
    unreadable: dict[str, str] = {}
    counts = dict.fromkeys(Level, 0)
    suppressed = count = 0
    places = _Places()
    for path in files(paths):
        count += 1
        name = _name(path)
        try:
            text = _text(path)
        except (OSError, ValueError) as error:
            unreadable[name] = getattr(error, "strerror", None) or str(error)
            continue
        result = lint(text, name, classified, Surroundings(today, places.beside(path)), rules)
        found += result.findings[: most - len(found)] if most else result.findings
        for one in result.findings:
            counts[one.rule.level] += 1
        suppressed += result.suppressed
    totals = (counts[Level.ERROR], counts[Level.WARNING])
    return Report(tuple(rules), count, tuple(found), suppressed, unreadable, *totals)


def _name(path: Path) -> str:
    """The path as reports have it: from the working folder where it lies below it, which code hosts ask for."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_absolute() and path.is_relative_to(here) else str(path)


def files(paths: Sequence[Path]) -> Iterator[Path]:
    """Each file once: those named, and all Markdown below the folders named."""
    seen: set[Path] = set()
    for path in paths:
        place = path if path.exists() else _of_library(path)
        for one in _below(place) if place.is_dir() else [place]:
            if one.resolve() not in seen:
                seen.add(one.resolve())
                yield one


def _below(folder: Path) -> list[Path]:
    inside = (p for p in folder.rglob("*") if p.suffix.lower() in MARKDOWN and p.is_file())
    found = sorted(p for p in inside if not SKIPPED & set(p.relative_to(folder).parts))
    if not found:
        raise CommandError(f"{folder}: no Markdown below this folder; name the one that holds the runbooks", 2)
    return found


def _of_library(path: Path) -> Path:
    known = names()
    if str(path) not in known:
        raise CommandError(f"{path}: neither a file or folder nor one of the library's: {', '.join(known)}", 2)
    return known[str(path)]


def _text(path: Path) -> str:
    if not path.is_file():
        raise ValueError("not a file")
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(f"larger than {MAX_BYTES // 1024 // 1024} MB; a runbook is not")
    content = path.read_bytes()
    if b"\0" in content:
        line = content.count(b"\n", 0, content.find(b"\0")) + 1
        raise ValueError(f"not a text file: line {line} holds a NUL byte")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(f"not UTF-8: line {line} holds byte 0x{content[error.start]:02x}; save it as UTF-8") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


class _Places:
    """What relative links lead to. Each document is read once, however many link to it."""

    def __init__(self) -> None:
        self._known: dict[str, Place | None] = {}

    def beside(self, document: Path) -> Callable[[str], Place | None]:
        """Says of a path, seen from ``document``, what is there; None where there is nothing."""
        folder = str(document.parent)

        def place(target: str) -> Place | None:
            path = os.path.normpath(f"{folder}/{target}")
            if path not in self._known:
                self._known[path] = _look(Path(path))
            return self._known[path]

        return place


def _look(path: Path) -> Place | None:
    try:
        if not path.exists():
            return None
    except (OSError, ValueError):
        return None  # no name that a file can have
    if path.suffix.lower() not in MARKDOWN:
        return Place()
    try:
        text = _text(path)
        return place_of(parse(text, str(path)), own_anchors(text))
    except (OSError, ValueError, RunbookError):
        return Place()  # there, and nobody can say what it holds


# ------------------------------------------------------------------ the rules' pages


def page_of(rule: Rule) -> str:
    """The rule's page, as ``docs/reference/lint`` has it: what it finds, why it matters, a bad and a good example."""
    return explained(rule, words_of(rule))


def words_of(rule: Rule) -> str:
    """The page's own words, which lie in the package beside the rules."""
    place = resources.files("hutch.runbook.lint") / "pages" / f"{rule.code}.md"
    return place.read_text(encoding="utf-8")


def explain(code: str) -> str:
    """The page of the rule ``code``. Raises :class:`CommandError` naming the rules there are."""
    rule = next((rule for rule in RULES if rule.code == code.upper()), None)
    if rule is None:
        raise CommandError(f"no rule {code!r}; hutch runbook lint --list names all", 2)
    return page_of(rule)
