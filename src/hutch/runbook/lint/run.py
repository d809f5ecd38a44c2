"""Text -> findings: parse what can be parsed, classify, ask every rule, leave out what the document suppresses."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from hutch.model.runbook import Document
from hutch.runbook.errors import RunbookError
from hutch.runbook.lint.catalogue import CODES, RULES, UNREADABLE, UNUSED
from hutch.runbook.lint.findings import Finding, Hit, Rule
from hutch.runbook.lint.page import Surroundings, page
from hutch.runbook.lint.suppress import Suppression, suppressions
from hutch.runbook.parse import parse

MOST_ERRORS = 50
"""Unreadable blocks of one document that are passed over, so that the rest is still looked at."""

_FENCE = re.compile(r"^(?P<head>[\s>]*(?:[-*+]|\d+[.)])?\s*(?:`{3,}|~{3,}))(?P<info>.*)$")


@dataclass(frozen=True, slots=True)
class Result:
    """What was found in one document, by line, and how many findings it suppresses with a reason."""

    findings: tuple[Finding, ...]
    suppressed: int = 0


def selected(select: Sequence[str] = (), ignore: Sequence[str] = ()) -> tuple[Rule, ...]:
    """The rules whose code begins with one of ``select`` (all without any) and with none of ``ignore``.

    Raises :class:`ValueError` for what no rule's code begins with.
    """
    for prefix in (*select, *ignore):
        if not prefix or not any(rule.code.startswith(prefix) for rule in RULES):
            raise ValueError(f"no rule {prefix!r}; there are {RULES[0].code} … {RULES[-1].code}")
    wanted = tuple(select) or ("",)
    return tuple(r for r in RULES if r.code.startswith(wanted) and not (ignore and r.code.startswith(tuple(ignore))))


def lint(
    text: str,
    source: str,
    classify: Callable[[Document], Document],
    surroundings: Surroundings,
    rules: Sequence[Rule] = RULES,
) -> Result:
    """What ``rules`` find in a document. ``classify`` gives every statement its verdict.

    ``text`` is decoded, its line ends are ``\\n``. What the parser refuses is a finding, and the rest is looked at.
    """
    document, errors = _read(text, source)
    hits = [(UNREADABLE, Hit(error.line or 1, error.message)) for error in errors]
    quiet: tuple[Suppression, ...] = ()
    if document:
        seen = page(classify(document), text, surroundings)
        quiet = tuple(suppressions(seen))
        hits += [(rule, hit) for rule in RULES for hit in rule.check(seen)]
    spoken = _without_general(hits)
    kept, used = _audible(spoken, quiet)
    unused = [(UNUSED, hit) for hit in _unused(quiet, used)]
    chosen = frozenset(rule.code for rule in rules)
    found = {
        Finding(rule, source, hit.line, hit.message, hit.safer) for rule, hit in (*kept, *unused) if rule.code in chosen
    }
    return Result(tuple(sorted(found, key=lambda f: (f.line, f.rule.code, f.message))), len(spoken) - len(kept))


def _without_general(hits: Sequence[tuple[Rule, Hit]]) -> list[tuple[Rule, Hit]]:
    spoken = {hit.line for rule, hit in hits if not rule.general and rule.code >= "RB1"}
    return [(rule, hit) for rule, hit in hits if not (rule.general and hit.line in spoken)]


def _audible(
    hits: Iterable[tuple[Rule, Hit]], quiet: Sequence[Suppression]
) -> tuple[list[tuple[Rule, Hit]], set[tuple[int, str]]]:
    """The hits that nothing suppresses, and which suppressions were needed."""
    silent: dict[tuple[str, int], list[int]] = {}
    for one in quiet:
        for code in one.codes:
            for line in range(one.first, one.last + 1):
                silent.setdefault((code, line), []).append(one.line)
    kept: list[tuple[Rule, Hit]] = []
    used: set[tuple[int, str]] = set()
    for rule, hit in hits:
        by = silent.get((rule.code, hit.line), [])
        used.update((line, rule.code) for line in by)
        kept += [] if by else [(rule, hit)]
    return kept, used


def _unused(quiet: Iterable[Suppression], used: set[tuple[int, str]]) -> Iterable[Hit]:
    for one in quiet:
        for code in one.codes:
            if code in CODES and (one.line, code) not in used:
                yield Hit(one.line, f"nothing here breaks {code}: take the suppression away")


# ------------------------------------------------------------------ what cannot be read


def _read(text: str, source: str) -> tuple[Document | None, list[RunbookError]]:
    """The document with every unreadable block passed over, and the errors; no document if that does not help."""
    lines = text.split("\n")
    errors: list[RunbookError] = []
    while len(errors) < MOST_ERRORS:
        try:
            document = parse("\n".join(lines), source)
        except RunbookError as error:
            errors.append(error)
            if not _pass_over(lines, error.line):
                return None, errors
        else:
            return document, errors
    return None, errors


def _pass_over(lines: list[str], line: int) -> bool:
    """Take the annotation, or else the language, from the fence at or above ``line``; whether that was possible."""
    for at in range(min(line, len(lines)) - 1, -1, -1):
        if found := _FENCE.match(lines[at]):
            language, brace, _ = found["info"].partition("{")
            changed = found["head"] + (language.rstrip() if brace else "text")
            done = changed != lines[at]
            lines[at] = changed
            return done
    return False
