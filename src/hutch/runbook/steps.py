"""A fenced block -> a step with its statements."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping

from hutch.model.runbook import RUNNABLE, Expectation, Link, Role, Statement, Step
from hutch.runbook.annotations import action_call, language, read_annotations
from hutch.runbook.blocks import Mark, plain
from hutch.runbook.expectations import read_comment
from hutch.runbook.flow import read_flow
from hutch.runbook.placeholders import find
from hutch.runbook.split import Comment, Piece, split
from hutch.runbook.transcript import spoken

LONGEST_NAME = 80
"""Characters of the line above a block that still serve as the step's name."""


def step(mark: Mark, lead: str, section: str, title: str, position: int) -> Step:
    """The step of one block. ``section`` is its section's id and ``position`` its place there, from 1.

    The id is the section's (the heading path), the position and a hash of the content, so that edits elsewhere in the
    document leave it alone. Raises :class:`RunbookError` for a malformed annotation or action.
    """
    line = mark.line + 1
    notes = read_annotations(mark.info, line)
    content = hashlib.sha256(f"{mark.info}\n{mark.text}".encode()).hexdigest()[:8]
    ident = f"{section}/{position}-{content}"
    lang = spoken(mark.text, language(mark.info))
    statements, loose = _statements(mark, lang, notes, ident)
    name = notes.get("name") or _name(lead, title)
    return Step(ident, name, lang, line, mark.text, notes, statements, loose, read_flow(notes, line))


LINKING_ROLES = frozenset(
    {Role.DETECTION, Role.DIAGNOSIS, Role.ACTIONS, Role.RESOLUTION, Role.OPTION, Role.RECOVERY, Role.VERIFICATION}
)
"""Sections in which a link to a runbook is a step; elsewhere (contents, "Related") it only tells of it."""


def link_step(mark: Mark, section: str, position: int, role: Role, elsewhere: Callable[[str], bool]) -> Step | None:
    """The step of a link to a sub-runbook; None where the link only tells of one.

    ``elsewhere`` tells the anchors that lead to another runbook of the same document.
    """
    document, _, anchor = mark.info.partition("#")
    if role not in LINKING_ROLES or not (document or elsewhere(anchor)):
        return None
    content = hashlib.sha256(mark.text.encode()).hexdigest()[:8]
    ident = f"{section}/link-{position}-{content}"
    return Step(ident, mark.title, "", mark.line + 1, mark.text, link=Link(document, anchor))


_MARKERS = re.compile(r"^(?:[->*+ ]|\d{1,9}[.)]|<!--(?:(?!-->).){0,200}-->)+")
"""What stands before the words of a line: of lists, of quotes, comments."""


def _name(lead: str, title: str) -> str:
    if not lead.rstrip().endswith(":"):
        return title
    words = plain(_MARKERS.sub("", lead).rstrip(": ")).strip()
    return words if words and len(words) <= LONGEST_NAME else title


def _statements(
    mark: Mark, lang: str, notes: Mapping[str, str], ident: str
) -> tuple[tuple[Statement, ...], tuple[str, ...]]:
    if name := notes.get("hutch.action"):
        line = mark.first + 1 if mark.text else mark.line + 1
        call = action_call(name, mark.text, line)
        expects = _annotated(notes, mark.line + 1)
        return (Statement(f"{ident}.1", mark.text.rstrip("\n"), line, action=call, expects=expects),), ()
    if lang not in RUNNABLE:
        return (), ()
    pieces = split(mark.text, lang)
    last = len(pieces.statements)
    made = tuple(
        _statement(piece, lang, f"{ident}.{n}", mark, _annotated(notes, mark.line + 1) if n == last else ())
        for n, piece in enumerate(pieces.statements, 1)
    )
    return made, tuple(c.text for c in pieces.notes if c.text)


def _statement(piece: Piece, lang: str, ident: str, mark: Mark, extra: tuple[Expectation, ...]) -> Statement:
    return Statement(
        ident,
        piece.text,
        mark.first + piece.line + 1,
        tuple(c.text for c in piece.comments if c.text),
        find(piece.text, lang),
        (*_expects(piece.comments, mark.first + 1), *extra),
    )


def _annotated(notes: Mapping[str, str], line: int) -> tuple[Expectation, ...]:
    """``hutch.expect`` speaks of the block's last statement: that is what a reader waits for."""
    text = notes.get("hutch.expect")
    return (Expectation(text, line),) if text else ()


def _expects(comments: list[Comment], first: int) -> tuple[Expectation, ...]:
    """The expectations among comments; one that only announces them ("Expected output:") takes the rest."""
    found: list[Expectation] = []
    for at, comment in enumerate(comments):
        text = read_comment(comment.text)
        if text == "":
            text = "\n".join(c.text for c in comments[at + 1 :])
            return (*found, Expectation(text, first + comment.line)) if text else tuple(found)
        if text is not None:
            found.append(Expectation(text, first + comment.line))
    return tuple(found)
