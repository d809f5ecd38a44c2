"""Whether what a run was made from still stands: its document, and the service's configuration."""

from __future__ import annotations

from hutch.commands.context import CommandError, Context
from hutch.commands.documents import base_of, hash_of
from hutch.model.run import Run

AGAIN = "start the runbook again"


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
            return f"{shown} was changed since the run read it; {AGAIN}"
    return ""


def _service(context: Context, run: Run) -> str:
    try:
        now = context.service(run.service).config.fingerprint()
    except CommandError as error:
        return f"{error}; {AGAIN}"
    return "" if run.service_hash in ("", now) else f"the configuration of {run.service} was changed since; {AGAIN}"
