"""A document as JSON (DESIGN §7) and as a compact tree for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hutch.model.alert import Rule
from hutch.model.runbook import Document, Runbook, Section, Statement, Step


def as_json(document: Document) -> dict[str, Any]:
    """The object of ``hutch runbook show DOC --json``; keys are stable."""
    return {
        "title": document.title,
        "hash": document.hash,
        "source": document.source,
        "chapters": [{"id": c.id, "title": c.title, "line": c.line} for c in document.chapters],
        "front": [_section(s) for s in document.front],
        "runbooks": [_runbook(r) for r in document.runbooks],
        "alerts": [_rule(r) for r in document.rules],
    }


def _runbook(runbook: Runbook) -> dict[str, Any]:
    return {
        "id": runbook.id,
        "title": runbook.title,
        "line": runbook.line,
        "chapter": runbook.chapter,
        "sections": [_section(s) for s in runbook.sections],
    }


def _section(section: Section) -> dict[str, Any]:
    return {
        "id": section.id,
        "title": section.title,
        "role": str(section.role),
        "option": section.option,
        "line": section.line,
        "path": list(section.path),
        "steps": [_step(s) for s in section.steps],
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "id": step.id,
        "name": step.name,
        "lang": step.lang,
        "line": step.line,
        "effect": step.effect.word,
        "notes": list(step.notes),
        "statements": [_statement(s) for s in step.statements],
    }


def _statement(statement: Statement) -> dict[str, Any]:
    verdict = statement.verdict
    return {
        "id": statement.id,
        "text": statement.text,
        "line": statement.line,
        "effect": verdict.effect.word if verdict else "none",
        "why": verdict.why if verdict else "",
        "sensitive": bool(verdict and verdict.sensitive),
        "placeholders": [{"name": p.name, "text": p.text} for p in statement.placeholders],
        "expects": [e.text for e in statement.expects],
        "action": {"name": statement.action.name, "args": dict(statement.action.args)} if statement.action else None,
    }


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "name": rule.name,
        "condition": str(rule.condition),
        "duration": rule.duration.total_seconds(),
        "severity": rule.severity.label,
        "line": rule.line,
    }


def as_text(document: Document) -> str:
    """The document as a tree: lines, roles, and what each statement can do."""
    return "\n".join(_tree(document))


def _tree(document: Document) -> Iterator[str]:
    yield f"{document.title}  ({document.source})"
    for runbook in document.runbooks:
        yield f"\n#{runbook.id}  {runbook.title}  (line {runbook.line})"
        for section in runbook.sections:
            number = f" {section.option}" if section.option else ""
            yield f"  {section.role}{number}: {section.title}  (line {section.line})"
            for step in section.steps:
                yield from _branch(step)
    for rule in document.rules:
        yield f"\nalert {rule.name}: {rule.condition} for {rule.duration}, {rule.severity.label}  (line {rule.line})"


def _branch(step: Step) -> Iterator[str]:
    if not step.runnable:
        yield f"    {step.line:>5}  {step.lang or 'text':<8} read, not run"
    for statement in step.statements if step.runnable else ():
        verdict = statement.verdict
        first = " ".join(statement.text.split())
        shown = first if len(first) <= 70 else f"{first[:69]}…"
        yield f"    {statement.line:>5}  {verdict.effect.word if verdict else 'none':<8} {shown}"
        if verdict and verdict.why:
            yield f"           {'':<8} {verdict.why}"
        for placeholder in statement.placeholders:
            yield f"           {'':<8} needs {placeholder.text}"
