"""The texts that a document gives to be filled in: updates, reports, reviews."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from hutch.model.runbook import Document, Role, Section, Step

READ_AS_TEXT = frozenset({"", "markdown", "text", "txt", "plain", "plaintext"})
"""Languages of blocks that may be templates."""


class Purpose(StrEnum):
    """What a template is for."""

    UPDATE = "update"
    REVIEW = "review"
    REPORT = "report"  # an incident report, as of a security incident
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Slot:
    """A place to fill in: ``[Brief description]`` with its offsets in the template's text."""

    name: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Template:
    """A template block. ``runbook`` is the id of the runbook that it stands in."""

    purpose: Purpose
    title: str
    runbook: str
    line: int
    text: str
    slots: tuple[Slot, ...]


_SLOT = re.compile(r"\[(?P<name>[A-Za-z][^\[\]\n]*)\](?![(\[:])")
_STATE = re.compile(r"^[A-Z][A-Z -]+$")
_PURPOSES = (
    (Purpose.REVIEW, re.compile(r"post.?(?:incident|mortem)|review|retrospective", re.IGNORECASE)),
    (Purpose.REPORT, re.compile(r"\breport\b", re.IGNORECASE)),
    (Purpose.UPDATE, re.compile(r"communication|update|announcement|status|message|notification", re.IGNORECASE)),
)


def templates(document: Document) -> tuple[Template, ...]:
    """Every template of the document, in order: blocks of text under a heading of that role, and Markdown blocks
    with places to fill in wherever they stand."""
    return tuple(
        _template(runbook.id, section, step)
        for runbook in document.runbooks
        for section, step in runbook.steps()
        if step.lang in READ_AS_TEXT and _is_template(section, step)
    )


def _is_template(section: Section, step: Step) -> bool:
    if section.role in {Role.TEMPLATE, Role.COMMUNICATION, Role.NOTIFICATION}:
        return True
    return step.lang == "markdown" and any(_slots(step.text))


def _template(runbook: str, section: Section, step: Step) -> Template:
    first = next((line for line in step.text.split("\n") if line.strip()), "")
    words = f"{section.title} {first}"
    purpose = next((purpose for purpose, pattern in _PURPOSES if pattern.search(words)), Purpose.OTHER)
    return Template(purpose, section.title, runbook, step.line, step.text, tuple(_slots(step.text)))


def _slots(text: str) -> Iterator[Slot]:
    """``[RESOLVED]`` at the head of a message is its state and no place to fill in, ``[ ]`` is a box to tick."""
    for found in _SLOT.finditer(text):
        if found.start() == 0 and _STATE.match(found["name"]) and "_" not in found["name"]:
            continue
        if found["name"] not in {"x", "X"}:
            yield Slot(found["name"], found.group(), found.start(), found.end())
