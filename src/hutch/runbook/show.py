"""A document for programs; :mod:`hutch.runbook.tree` shows it to people."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hutch.model.alert import Rule
from hutch.model.effect import Effect
from hutch.model.runbook import Document, Flow, Runbook, Section, Statement, Step


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
