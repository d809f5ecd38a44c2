"""Rules about what a runbook changes: not where it only looks, and never unverified."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from hutch.model.runbook import REMEDY_ROLES, Role, Runbook
from hutch.runbook.lint.calls import Call
from hutch.runbook.lint.findings import Hit
from hutch.runbook.lint.mutates import mutation
from hutch.runbook.lint.page import Page, Said

LOOKING = frozenset({Role.SYMPTOMS, Role.DETECTION, Role.DIAGNOSIS})
"""Sections that a reader takes for harmless."""

PREPARES = frozenset({"cd", "export", "set", "source", ".", "echo", "ssh", "alias", "read", "open"})
"""Programs that set the scene for what follows."""

LOOKS = re.compile(
    r"(?:get|list|ls|describe|show|view|status|logs?|history|info|top|version|check|inspect|diff|plan)\b"
)
"""Subcommands that say by their name that they look."""

PROVING_CALLS = (
    "kubectl rollout status", "oc rollout status", "kubectl wait", "oc wait", "systemctl status", "systemctl is-active",
    "helm status", "helm test", "pg_isready", "aws ecs wait", "aws rds wait", "aws elbv2 wait",
)  # fmt: skip
"""Commands that say by their exit whether something works."""

PROVES = re.compile(
    r"\b(?:verif|confirm|validat|prove\b|success criteria|make sure|ensure|wait for|should (?:now )?)", re.IGNORECASE
)
"""Words of a comment, a heading or a step's name that make what comes after it a verification."""

TEACHES = re.compile(
    r"\W*(?:api |command )?(?:usage|examples?|reference|prerequisites?|install(?:ation|ing)?|set-?up|getting started"
    r"|contributing|(?:local )?development)(?: examples?| scenarios?| guide)?\W*",
    re.IGNORECASE,
)
"""Titles of what shows how something is done, and mends nothing."""

_TOLD = re.compile(
    r"\b(?:verify|confirm|check|validate|make sure|ensure)\b.{0,80}\b(?:that|whether|if)\b|\bshould (?:now|be|have)\b"
    r"|\b(?:wait|watch) (?:for|until)\b",
    re.IGNORECASE,
)
"""A sentence that tells a person to verify."""


def no_verification(page: Page) -> Iterator[Hit]:
    """A runbook that changes things, with nothing after the first change that proves anything."""
    for runbook, said in page.by_runbook():
        first = 0 if TEACHES.fullmatch(runbook.title) else min((s.line for s in said if _acts(s)), default=0)
        if first and not _verified(page, runbook, said, first):
            yield Hit(
                runbook.line,
                f"{runbook.title!r} changes things (line {first}) and nothing verifies it:"
                " add a section 'Verification' that reads what must be seen afterwards",
            )


def _acts(said: Said) -> bool:
    """Whether it is known to change something, or is a remedy that nobody knows."""
    if mutation(said):
        return True
    unknown = said.changes and said.section.role in REMEDY_ROLES
    return unknown and any(not _only_prepares(call) for call in said.calls)


def _only_prepares(call: Call) -> bool:
    return call.program in PREPARES or any(LOOKS.match(word) for word in call.operands()[:2])


def _verified(page: Page, runbook: Runbook, said: Sequence[Said], after: int) -> bool:
    proven = any(s.role is Role.VERIFICATION or PROVES.search(s.title) for s in runbook.sections if s.line > after)
    if proven or any(s.line > after and _proves(s) for s in said):
        return True
    end = page.end_of(runbook)
    return any(n not in page.code and len(line) < 1000 and _TOLD.search(line) for n, line in page.between(after, end))


def _proves(said: Said) -> bool:
    if any(_is_proof(call) for call in said.calls) or PROVES.search(said.step.name):
        return True
    return not said.changes and bool(said.statement.expects or any(PROVES.search(c) for c in said.statement.comments))


def _is_proof(call: Call) -> bool:
    return any(call.is_(path) for path in PROVING_CALLS)


def change_while_looking(page: Page) -> Iterator[Hit]:
    """A statement known to change something, in a section for looking."""
    for said in page.said:
        if said.section.role in LOOKING and (what := mutation(said)):
            yield Hit(
                said.line,
                f"{what} changes something in a section for looking ({said.section.role.value}):"
                " move it to the resolution",
            )
