"""Rules about the parts of a runbook: options, expectations, alert rules."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

from hutch.model.runbook import Role
from hutch.runbook.expectations import met
from hutch.runbook.lint.findings import Hit
from hutch.runbook.lint.page import Page


def empty_option(page: Page) -> Iterator[Hit]:
    """An option with nothing to run and no word of what to do by hand."""
    for runbook in page.document.runbooks:
        filled = [s.path for s in runbook.sections if s.text or s.steps]
        within = {path[:depth] for path in filled for depth in range(len(path) + 1)}
        for section in runbook.sections:
            if section.role is Role.OPTION and section.option is not None and section.path not in within:
                yield Hit(
                    section.line,
                    f"option {section.title!r} says nothing to do, so nobody can choose it: give the command, the typed"
                    " action or the words",
                )


def vague_expectation(page: Page) -> Iterator[Hit]:
    """What should be seen, in words that no output can be held against."""
    for said in page.said:
        for expected in said.statement.expects:
            if met(expected.text, "") is None:
                yield Hit(
                    expected.line,
                    f"no machine can judge {_short(expected.text)!r}: say what the output holds, and quote it",
                    '# Should return 200 OK, # Should show "Normal", # Should return {"status": "ok"}',
                )


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"{line[:59]}…"


# ------------------------------------------------------------------ alert rules

_PROMETHEUS = re.compile(r"^\s*- alert:\s*(?P<name>[^\s#].{0,200}?)\s*$")
_RUNBOOK = re.compile(r"^\s*runbook(?:_url)?:\s*\S")


def alert_without_runbook(page: Page) -> Iterator[Hit]:
    """An alert rule that sends nobody anywhere, or to what is not there."""
    for rule in page.document.rules:
        if not rule.runbook:
            yield _nameless(rule.line, rule.name)
        elif gone := _gone(page, rule.runbook):
            yield Hit(rule.line, f"alert {rule.name!r}: {gone}; correct the address")
    for block in page.blocks:
        yield from _prometheus(page, block.first, block.last)


def _nameless(line: int, name: str) -> Hit:
    return Hit(
        line,
        f"alert {_short(name)!r} names no runbook: who is woken must search",
        "runbook: this-document.md#anchor (in Prometheus: annotations: runbook_url)",
    )


def _gone(page: Page, runbook: str) -> str:
    """What is wrong with a rule's runbook, if that is a Markdown file or an anchor of this document."""
    path, _, anchor = runbook.partition("#")
    if path and (":" in path or not path.endswith(".md")):
        return ""  # an address, or a name that the configured folders know
    place = page.surroundings.resolve(unquote(path)) if path else None
    if path and place is None:
        return f"there is no {path}, seen from this document"
    known = place.anchors if place else page.document.anchors
    missing = anchor and known is not None and anchor not in known
    return f"no heading #{anchor} in {path or 'this document'}" if missing else ""


def _prometheus(page: Page, first: int, last: int) -> Iterator[Hit]:
    """The alerts of a rule file as Prometheus reads them: each ``- alert:`` down to the next."""
    if last - first < 2 or not page.lines[first - 1].lstrip(" >`~").lower().startswith(("yaml", "yml")):
        return
    open_line, name = 0, ""
    for number, line in page.between(first, last):
        if found := _PROMETHEUS.match(line):
            if open_line:
                yield _nameless(open_line, name)
            open_line, name = number, found["name"].strip("\"'")
        elif open_line and _RUNBOOK.match(line):
            open_line = 0
    if open_line:
        yield _nameless(open_line, name)
