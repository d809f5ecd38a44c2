"""The outline that the corpus keeps beside each document: ``python tests/unit/runbook/corpus.py FILE…`` prints it.

A changed outline is read by a person before it is kept.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from hutch.model.runbook import Document, Section, Step
from hutch.runbook.parse import parse


def outline(document: Document) -> dict[str, Any]:
    """Headings with their roles, steps with their statements; only what is there."""
    return {
        "title": document.title,
        "front": [section.title for section in document.front],
        "rules": [rule.name for rule in document.rules],
        "runbooks": [{"id": r.id, "sections": [_section(s) for s in r.sections]} for r in document.runbooks],
    }


def _section(section: Section) -> dict[str, Any]:
    option = {"option": section.option} if section.option is not None else {}
    return {
        "title": section.title,
        "role": section.role.value,
        **option,
        "line": section.line,
        "steps": [_step(step) for step in section.steps],
    }


def _step(step: Step) -> dict[str, Any]:
    flow = step.flow
    more = {
        "link": f"{step.link.document}#{step.link.anchor}" if step.link else "",
        "captures": [capture.name for capture in flow.captures],
        "when": flow.when,
        "manual": flow.manual,
        "statements": [_statement(s.line, s.text, s.placeholders, s.expects) for s in step.statements],
    }
    return {"name": step.name, "lang": step.lang, "line": step.line, **{k: v for k, v in more.items() if v}}


def _statement(line: int, text: str, placeholders: Any, expects: Any) -> dict[str, Any]:
    more = {"placeholders": [p.name for p in placeholders], "expects": [e.text for e in expects]}
    return {"line": line, "text": text, **{k: v for k, v in more.items() if v}}


def as_text(outlined: dict[str, Any]) -> str:
    """As it is kept."""
    return json.dumps(outlined, indent=1, ensure_ascii=True) + "\n"


if __name__ == "__main__":
    for name in sys.argv[1:]:
        sys.stdout.write(as_text(outline(parse(Path(name).read_bytes(), Path(name).name))))
