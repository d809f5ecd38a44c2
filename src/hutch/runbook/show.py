"""A document for programs and for people."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from hutch.model.alert import Rule
from hutch.model.effect import Effect
from hutch.model.runbook import Document, Flow, Runbook, Section, Statement, Step
from hutch.runbook.visible import visible

WIDEST = 100
"""Characters of a statement that the text form shows."""


def as_json(document: Document) -> dict[str, Any]:
    """The form of ``hutch runbook show DOC --json`` (DESIGN §7). Effect is ``none`` where nothing was classified."""
    return {
        "title": document.title,
        "hash": document.hash,
        "source": document.source,
        "chapters": [{"id": c.id, "title": c.title, "line": c.line} for c in document.chapters],
        "front": [_section(section) for section in document.front],
        "runbooks": [_runbook(runbook) for runbook in document.runbooks],
        "alerts": [_rule(rule) for rule in document.rules],
        "anchors": dict(document.anchors),
    }


def _runbook(runbook: Runbook) -> dict[str, Any]:
    return {
        "id": runbook.id,
        "title": runbook.title,
        "line": runbook.line,
        "chapter": runbook.chapter,
        "sections": [_section(section) for section in runbook.sections],
    }


def _section(section: Section) -> dict[str, Any]:
    return {
        "id": section.id,
        "title": section.title,
        "role": section.role.value,
        "option": section.option,
        "line": section.line,
        "path": list(section.path),
        "text": section.text,
        "steps": [_step(step) for step in section.steps],
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "id": step.id,
        "name": step.name,
        "lang": step.lang,
        "line": step.line,
        "effect": step.effect.word,
        "annotations": dict(step.annotations),
        "notes": list(step.notes),
        "flow": _flow(step.flow) if step.flow != Flow() else None,
        "link": {"document": step.link.document, "anchor": step.link.anchor} if step.link else None,
        "statements": [_statement(statement) for statement in step.statements],
    }


def _flow(flow: Flow) -> dict[str, Any]:
    return {
        "captures": [{"name": c.name, "pattern": c.pattern, "path": c.path} for c in flow.captures],
        "on_failure": flow.on_failure.value,
        "retries": flow.retries,
        "timeout": flow.timeout.total_seconds() if flow.timeout else None,
        "when": flow.when,
        "undo": flow.undo,
        "undo_action": flow.undo_action,
        "manual": flow.manual,
    }


def _statement(statement: Statement) -> dict[str, Any]:
    verdict = statement.verdict
    return {
        "id": statement.id,
        "text": statement.text,
        "line": statement.line,
        "effect": verdict.effect.word if verdict else Effect.NONE.word,
        "why": verdict.why if verdict else "",
        "sensitive": bool(verdict and verdict.sensitive),
        "comments": list(statement.comments),
        "placeholders": [
            {"name": p.name, "text": p.text, "start": p.start, "end": p.end} for p in statement.placeholders
        ],
        "expects": [e.text for e in statement.expects],
        "action": {"name": a.name, "args": dict(a.args)} if (a := statement.action) else None,
    }


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "name": rule.name,
        "condition": str(rule.condition),
        "duration": short_time(rule.duration),
        "severity": rule.severity.label,
        "line": rule.line,
        "labels": dict(rule.labels),
        "runbook": rule.runbook,
    }


def short_time(time: timedelta) -> str:
    """A duration as rules write it: ``5m``, ``1h30m``."""
    left, parts = int(time.total_seconds()), []
    for unit, seconds in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, left = divmod(left, seconds)
        parts += [f"{count}{unit}"] if count else []
    return "".join(parts) or "0s"


# ------------------------------------------------------------------ text


def as_text(document: Document) -> str:
    """A tree for people: each heading, option and statement with its line and effect."""
    return "\n".join(_lines(document))


def _lines(document: Document) -> Iterator[str]:
    yield visible(document.title)
    for runbook in document.runbooks:
        chapter = f"  ({runbook.chapter})" if runbook.chapter not in {runbook.title, document.title} else ""
        yield ""
        yield _row(runbook.line, f"#{runbook.id}  {runbook.title}{chapter}")
        for section in runbook.sections:
            yield from _section_lines(section)
    if document.rules:
        yield ""
        yield "alerts"
    for rule in document.rules:
        yield _row(rule.line, f"  {rule.name}: {rule.condition} for {short_time(rule.duration)}, {rule.severity.label}")


def _section_lines(section: Section) -> Iterator[str]:
    indent = "  " * max(1, len(section.path) - 1)
    if len(section.path) > 1:
        yield _row(section.line, f"{indent}{section.title}  [{section.role.value}]")
    for step in section.steps:
        yield from (_row(step.line, f"{indent}  {text}") for text in _carried_out(step))
        if not step.statements and not step.link:
            yield _row(step.line, f"{indent}  {'none':<8}{step.lang or 'text'} block, read only")
        for statement in step.statements:
            yield _row(statement.line, f"{indent}  {_effect(statement):<8}{_one_line(statement.text)}")
            yield from (visible(f"{'':>5}  {indent}  {'':<8}{remark}") for remark in _remarks(statement))


def _carried_out(step: Step) -> Iterator[str]:
    """What is to be known of a step before its statements."""
    flow = step.flow
    if step.link:
        yield f"{'':<8}goes through {step.link.document}#{step.link.anchor} ({step.name})"
    if flow.manual:
        yield f"{'':<8}a person does this and ticks it off"
    if flow.when:
        yield f"{'':<8}only when {flow.when}"
    if flow.captures:
        yield f"{'':<8}captures {', '.join(capture.name for capture in flow.captures)}"


def _remarks(statement: Statement) -> Iterator[str]:
    if statement.verdict and statement.verdict.why:
        yield statement.verdict.why
    if needs := ", ".join(dict.fromkeys(p.text for p in statement.placeholders)):
        yield f"needs {needs}"
    for expectation in statement.expects:
        yield f"expects {expectation.text}"


def _effect(statement: Statement) -> str:
    return statement.verdict.effect.word if statement.verdict else Effect.NONE.word


def _one_line(text: str) -> str:
    line = " ".join(text.replace("\\\n", " ").split())
    return line if len(line) <= WIDEST else line[: WIDEST - 1] + "…"


def _row(line: int, text: str) -> str:
    return f"{line:>5}  {visible(text)}"
