"""Text -> findings: parse what can be parsed, classify, ask every rule, leave out what the document suppresses."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from hutch.model.runbook import Document
from hutch.runbook.annotations import language
from hutch.runbook.blocks import Kind, Mark, marks
from hutch.runbook.errors import RunbookError
from hutch.runbook.lint.catalogue import CODES, RULES, UNREADABLE, UNUSED
from hutch.runbook.lint.findings import Finding, Hit, Level, Rule
from hutch.runbook.lint.page import Surroundings, page
from hutch.runbook.lint.suppress import Suppression, suppressions
from hutch.runbook.parse import parse_marked
from hutch.runbook.rules import holds_rules, parse_rules
from hutch.runbook.steps import step

LONGEST_MESSAGE = 400
"""Characters of a message: what documents bring into one (titles, addresses) may be long."""

MOST_HITS = 10_000
"""Findings of one rule in one document; then one says that there are more."""

_FENCE = re.compile(r"^(?P<head>[\s>]*(?:(?:[-*+]|\d+[.)])\s+)*(?:`{3,}|~{3,}))(?P<info>.*)$")


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
    read, errors = _read(text, source)
    unread = (Hit(error.line or 1, error.message) for error in errors)
    hits = [(UNREADABLE, hit) for hit in _bounded(unread)]
    quiet: tuple[Suppression, ...] = ()
    if read:
        document, found_marks = read
        seen = page(classify(document), text, found_marks, surroundings)
        quiet = tuple(suppressions(seen, CODES))
        hits += [(rule, hit) for rule in RULES for hit in _bounded(rule.check(seen))]
    spoken = _without_general(hits)
    kept, used = _audible(spoken, quiet)
    unused = [(UNUSED, hit) for hit in _unused(quiet, used)]
    chosen = frozenset(rule.code for rule in rules)
    found = {_finding(rule, source, hit) for rule, hit in (*kept, *unused) if rule.code in chosen}
    return Result(tuple(sorted(found, key=lambda f: (f.line, f.rule.code, f.message))), len(spoken) - len(kept))


def _bounded(hits: Iterable[Hit]) -> Iterator[Hit]:
    for number, hit in enumerate(hits):
        if number == MOST_HITS:
            yield Hit(hit.line, f"more of the same from here on: {MOST_HITS} in one document are told of")
            return
        yield hit


def _finding(rule: Rule, source: str, hit: Hit) -> Finding:
    long = len(hit.message) > LONGEST_MESSAGE
    return Finding(rule, source, hit.line, f"{hit.message[:LONGEST_MESSAGE]}…" if long else hit.message, hit.safer)


def _without_general(hits: Sequence[tuple[Rule, Hit]]) -> list[tuple[Rule, Hit]]:
    """Without the general word on lines of which a rule of its own, no milder, speaks."""
    spoken = {(hit.line, rule.level) for rule, hit in hits if not rule.general and rule.code >= "RB1"}
    return [
        (rule, hit)
        for rule, hit in hits
        if not (rule.general and ((hit.line, rule.level) in spoken or (hit.line, Level.ERROR) in spoken))
    ]


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
            if (one.line, code) not in used:
                yield Hit(one.line, f"nothing here breaks {code}: take the suppression away")


# ------------------------------------------------------------------ what cannot be read


def _read(text: str, source: str) -> tuple[tuple[Document, Sequence[Mark]] | None, list[RunbookError]]:
    """The document and its marks, every unreadable block passed over, and the errors; none if that does not help."""
    try:
        return parse_marked(text, source), []
    except RunbookError as error:
        first = error
    lines = text.split("\n")
    errors = [*_passed_over(text, lines)]
    try:
        return parse_marked("\n".join(lines), source), errors or [first]
    except RunbookError as error:
        return None, [*errors, error]


def _passed_over(text: str, lines: list[str]) -> Iterator[RunbookError]:
    """What is wrong with each block; in ``lines`` such a one loses its annotation, or its language."""
    for mark in [*marks(text, lines)]:
        if mark.kind is not Kind.BLOCK or not mark.fenced:
            continue
        fault = _fault_of_step(mark)
        if fault:
            yield fault
            _bare(lines, mark.line, keep_language=True)
        if fault := _fault_of_rules(mark):
            yield fault
            _bare(lines, mark.line, keep_language=False)


def _fault_of_step(mark: Mark) -> RunbookError | None:
    try:
        step(mark, "", "", "", 1)
    except RunbookError as error:
        return error
    return None


def _fault_of_rules(mark: Mark) -> RunbookError | None:
    if language(mark.info) != "yaml" or "hutch.action" in mark.info or not holds_rules(mark.text):
        return None
    try:
        parse_rules(mark.text, mark.first + 1)
    except RunbookError as error:
        return error
    return None


def _bare(lines: list[str], at: int, *, keep_language: bool) -> None:
    if found := _FENCE.match(lines[at]):
        word = found["info"].partition("{")[0].rstrip() if keep_language else "text"
        lines[at] = found["head"] + word
