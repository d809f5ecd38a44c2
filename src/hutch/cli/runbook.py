"""``hutch runbook``: what a document holds."""

from __future__ import annotations

from pathlib import Path

import click

from hutch.cli.lint import lint
from hutch.cli.shell import as_json, config_path, emit, table
from hutch.commands.documents import load_document, names
from hutch.runbook.show import as_json as document_json
from hutch.runbook.show import as_text


@click.group()
def runbook() -> None:
    """List, show and lint runbooks."""


runbook.add_command(lint)


@runbook.command("list")
@as_json
def list_(json_out: bool) -> None:
    """The runbooks of the configured folders and the library."""
    folders, base = _folders()
    rows = [{"name": name, "path": str(path)} for name, path in sorted(names(folders, base).items())]
    emit(rows) if json_out else table(rows, ["name", "path"], "no runbooks")


@runbook.command()
@click.argument("document")
@as_json
def show(document: str, json_out: bool) -> None:
    """What DOCUMENT (a file or a library name; DOC#anchor for one runbook of it) says, statement by statement."""
    folders, base = _folders()
    name, _, anchor = document.partition("#")
    found = load_document(name, folders, base)
    shown = document_json(found)
    if anchor:
        from hutch.commands.documents import pick  # noqa: PLC0415

        chosen = pick(found, anchor, name).id
        shown["runbooks"] = [r for r in shown["runbooks"] if r["id"] == chosen]
    if json_out:
        emit(shown)
    else:
        click.echo(as_text(found))


def _folders() -> tuple[tuple[str, ...], Path | None]:
    """The configured folders; none where there is no configuration: documents can be read without one."""
    path = config_path()
    if not path.exists():
        return (), None
    from hutch.bootstrap.wire import read_config  # noqa: PLC0415

    config, _ = read_config(path)
    return config.runbooks, path.resolve().parent
