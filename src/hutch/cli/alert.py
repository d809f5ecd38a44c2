"""``hutch alert`` and ``hutch rules``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from hutch.bootstrap.wire import read_config
from hutch.cli.shell import as_json, config_path, emit, table, with_context
from hutch.commands import incidents
from hutch.commands.context import CommandError, Context
from hutch.commands.documents import load_document
from hutch.detection.rules import check_rules
from hutch.model.alert import Rule


@click.group()
def alert() -> None:
    """What has fired."""


@alert.command("list")
@as_json
def list_(json_out: bool) -> None:
    """Every alert, with its incident."""

    async def go(context: Context) -> list[dict[str, Any]]:
        rows = []
        for state in await incidents.listing(context):
            for event in await context.store.read(state.stream):
                if event.kind == "alert.fired":
                    firing = event.data["key"] in state.open_alerts
                    row = {k: event.data.get(k) for k in ("rule", "severity", "value", "starts_at", "summary", "key")}
                    rows.append({**row, "incident": state.id, "state": "firing" if firing else "resolved"})
        return rows

    rows = with_context(go)
    emit(rows) if json_out else table(
        rows, ["rule", "severity", "state", "starts_at", "incident", "summary"], "nothing has fired"
    )


@click.group()
def rules() -> None:
    """Alert rules."""


@rules.command()
@click.argument("document", default="")
@as_json
def check(document: str, json_out: bool) -> None:
    """Check the configured rules, or those of a DOCUMENT. Exit code 3 when one cannot be judged."""
    found = _rules(document)
    errors = check_rules(found)
    rows = [
        {
            "name": r.name,
            "condition": str(r.condition),
            "duration": f"{r.duration.total_seconds():g} s",
            "severity": r.severity.label,
            "line": r.line,
            "error": next((e.message for e in errors if e.rule == r.name), ""),
        }
        for r in found
    ]
    columns = ["name", "condition", "duration", "severity", "line", "error"]
    emit(rows) if json_out else table(rows, columns, "no rules")
    if errors:
        raise CommandError("; ".join(str(e) for e in errors), 3)


def _rules(document: str) -> tuple[Rule, ...]:
    if document:
        return load_document(document, (), Path.cwd()).rules
    return read_config(config_path())[0].rules
