"""Rules about the parts of a runbook: verification, reading sections, options, expectations, placeholders, rules."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from hutch.model.runbook import Placeholder, Role, Runbook
from hutch.runbook.expectations import met
from hutch.runbook.lint.findings import Hit
from hutch.runbook.lint.page import Page, Said
from hutch.runbook.placeholders import normal

LOOKING = frozenset({Role.SYMPTOMS, Role.DETECTION, Role.DIAGNOSIS})
"""Sections that a reader takes for harmless."""

DOUBTS = ("can do anything", "not known", "unknown", "runs what it reads")
"""Words of verdicts that say only that nobody knows: no proof that a statement changes something."""

PROVES = re.compile(r"\b(?:verif|confirm|make sure|ensure|validat|prove|wait for|should (?:now )?)", re.IGNORECASE)
"""Words of a comment that make the read after it a verification."""


def no_verification(page: Page) -> Iterator[Hit]:
    """A runbook that changes things, with nothing after the first change that proves anything."""
    for runbook, said in page.by_runbook():
        changing = [s.line for s in said if s.changes and not _only_looks(s)]
        if not changing or any(s.role is Role.VERIFICATION and s.line > changing[0] for s in runbook.sections):
            continue
        if any(s.line > changing[0] and _proves(s) for s in said):
            continue
        yield Hit(
            runbook.line,
            f"{runbook.title!r} changes things (line {changing[0]}) and nothing verifies it:"
            " add a section 'Verification' that reads what must be seen afterwards",
        )


def _only_looks(said: Said) -> bool:
    """Whether it stands among what looks and is a change only because nobody knows it."""
    return said.section.role in LOOKING and _is_doubt(said)


def _is_doubt(said: Said) -> bool:
    return said.statement.verdict is not None and any(doubt in said.statement.verdict.why for doubt in DOUBTS)


def _proves(said: Said) -> bool:
    return not said.changes and bool(said.statement.expects or any(PROVES.search(c) for c in said.statement.comments))


def change_while_looking(page: Page) -> Iterator[Hit]:
    """A statement known to change something, in a section for looking."""
    for said in page.said:
        why = said.statement.verdict.why if said.statement.verdict else ""
        if said.changes and said.section.role in LOOKING and not _is_doubt(said):
            yield Hit(
                said.line,
                f"changes something in a section for looking ({said.section.role.value}): {why};"
                " move it to the resolution",
            )


def empty_option(page: Page) -> Iterator[Hit]:
    """An option with nothing to run and nothing to do by hand."""
    for runbook in page.document.runbooks:
        active = [s.path for s in runbook.sections if any(step.statements or step.flow.manual for step in s.steps)]
        runs = {path[:depth] for path in active for depth in range(len(path) + 1)}
        for section in runbook.sections:
            if section.role is Role.OPTION and section.option is not None and section.path not in runs:
                yield Hit(
                    section.line,
                    f"option {section.title!r} has no statement, so nobody can choose it: give the command or the"
                    " typed action",
                )


def vague_expectation(page: Page) -> Iterator[Hit]:
    """What should be seen, in words that no output can be held against."""
    for said in page.said:
        for expected in said.statement.expects:
            if met(expected.text, "") is None:
                yield Hit(
                    expected.line,
                    f"no machine can judge {_short(expected.text)!r}: say what the output holds",
                    '# Should return 200 OK, # Should return {"status": "ok"}, or hutch.expect',
                )


def alert_without_runbook(page: Page) -> Iterator[Hit]:
    """An alert rule that sends nobody anywhere, or to an anchor that is not in this document."""
    anchors = page.document.anchors
    for rule in page.document.rules:
        if not rule.runbook:
            yield Hit(
                rule.line,
                f"alert {rule.name!r} names no runbook: who is woken must search",
                "runbook: this-document.md#anchor",
            )
        elif rule.runbook.startswith("#") and rule.runbook[1:] not in anchors:
            yield Hit(rule.line, f"alert {rule.name!r}: no heading {rule.runbook} in this document; correct the anchor")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"{line[:59]}…"


# ------------------------------------------------------------------ placeholders

GENERIC = frozenset(
    [
        "id",
        "ids",
        "name",
        "names",
        "number",
        "value",
        "url",
        "uri",
        "your",
        "my",
        "new",
        "old",
        "previous",
        "current",
        "target",
        "last",
        "the",
        "of",
        "some",
        "here",
        "affected",
        "bad",
        "good",
        "insert",
        "replace",
        "desired",
    ]
)
"""Words of a placeholder's name that tell nothing about what is meant."""

GIVEN = ("incident", "service")
"""First words of names whose value the incident or the service's configuration holds."""

_WORD = re.compile(r"[A-Za-z]{2,}")


def placeholder_without_source(page: Page) -> Iterator[Hit]:
    """A placeholder of which nothing before it in the runbook, and nothing in front, says where its value is."""
    front = " ".join(normal(section.text) for section in page.document.front)
    for runbook, said in page.by_runbook():
        told = _told(page, runbook, said)
        seen: set[str] = set()
        for one in said:
            for hole in one.statement.placeholders:
                if hole.name not in seen and not _has_source(hole, one.line, told) and hole.name not in front:
                    yield Hit(
                        one.line,
                        f"nothing before it says where the value of {hole.text} comes from: show the command that"
                        " lists it, or say it in a comment",
                    )
                seen.add(hole.name)


def _told(page: Page, runbook: Runbook, said: Sequence[Said]) -> dict[str, int]:
    """The words of a runbook, without its headings, each with the first line that it stands on."""
    told: dict[str, int] = {}
    for number in range(runbook.line, max((s.line for s in said), default=0)):
        if number not in page.titles:
            _tell(told, page.lines[number - 1], number)
    for one in said:
        if not one.changes and one.statement.verdict and " list" in one.statement.verdict.why:
            _tell(told, one.statement.verdict.why, one.line)
        _tell(told, one.step.annotations.get("hutch.capture", ""), one.line)
    return told


def _tell(told: dict[str, int], text: str, line: int) -> None:
    for word in _WORD.findall(text):
        stem = _stem(word)
        told[stem] = min(line, told.get(stem, line))


def _stem(word: str) -> str:
    lowered = word.lower()
    return lowered[:-1] if lowered.endswith("s") and len(lowered) > 3 else lowered


def _has_source(hole: Placeholder, line: int, told: dict[str, int]) -> bool:
    if hole.text.startswith("$"):
        return True  # the environment
    words = [w for w in hole.name.split("-") if w]
    if not words or words[0] in GIVEN:
        return True
    telling = [w for w in words if w not in GENERIC] or words
    return any(told.get(_stem(word), line) < line for word in telling)
