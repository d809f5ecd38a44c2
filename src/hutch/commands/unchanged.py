"""Whether what a run was made from still stands: its document, and the service's configuration."""

from __future__ import annotations

from hutch.commands.context import CommandError, Context
from hutch.commands.documents import base_of, hash_of
from hutch.commands.prepare import prepare
from hutch.commands.situation import Situation
from hutch.commands.source import open_source
from hutch.model.program import Program
from hutch.model.run import Run

AGAIN = "start the runbook again"

SAID = 3
"""Statements that are told of what is gone, and of what is new."""


def changed_since(context: Context, run: Run) -> str:
    """What changed since the run read it, and what to do; empty when nothing did. What cannot be read has changed."""
    return _document(context, run) or _service(context, run)


def _document(context: Context, run: Run) -> str:
    if not run.document_hash:
        return ""
    name = run.document.partition("#")[0]
    read = {run.document_path or name: run.document_hash, **run.documents}
    for path, before in read.items():
        shown = name if path == run.document_path else path
        try:
            now = hash_of(path, context.config.runbooks, base_of(context))
        except CommandError as error:
            return f"its document cannot be read any more ({error}); {AGAIN}"
        if now != before:
            return f"{shown} was changed since the run read it{_what(context, run)}; {AGAIN}"
    return ""


def _what(context: Context, run: Run) -> str:
    """What of the run's own statements the change concerns, in brackets; nothing where that cannot be told."""
    if run.program.asked:
        return ""
    name, _, anchor = run.document.partition("#")
    try:
        runbook = open_source(context, f"{run.document_path or name}#{anchor}").runbook
        situation = Situation(context.service(run.service), run.given, run.binds, run.told, run.captured)
        now = prepare(runbook, situation)
    except CommandError as error:
        return f" ({error})"
    before, after = _texts(run.program), _texts(now)
    gone = [f"gone: {_short(t)}" for t in before if t not in after]
    new = [f"new in line {line}: {_short(t)}" for t, line in after.items() if t not in before]
    said = [*gone[:SAID], *new[:SAID], *(["…"] if max(len(gone), len(new)) > SAID else [])]
    return f" ({'; '.join(said) or 'none of its statements: words, order or expectations'})"


def _texts(program: Program) -> dict[str, int]:
    """Every statement, with its line."""
    return {i.command.text: i.line for i in (*program.items, *program.skipped)}


def _short(text: str) -> str:
    first = " ".join(text.split())
    return f"“{first if len(first) <= 60 else first[:59] + '…'}”"


def _service(context: Context, run: Run) -> str:
    try:
        now = context.service(run.service).config.fingerprint()
    except CommandError as error:
        return f"{error}; {AGAIN}"
    return "" if run.service_hash in ("", now) else f"the configuration of {run.service} was changed since; {AGAIN}"
