"""``hutch runbook``: the documents there are, what they hold, and new ones."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import click

from hutch.cli import paint
from hutch.cli.lint import lint
from hutch.cli.shell import as_json, config_path, emit
from hutch.commands import newbook, shelf
from hutch.commands.documents import load_document, pick
from hutch.model.runbook import Document, Runbook
from hutch.runbook.show import as_json as document_json
from hutch.runbook.tree import NARROWEST, WIDEST, Sheet, as_text
from hutch.runbook.visible import visible

FOLDER = "runbooks"
"""Where a new runbook goes when neither ``--dir`` nor a configuration says."""


@click.group()
def runbook() -> None:
    """List, show, lint and write runbooks."""


runbook.add_command(lint)


# ------------------------------------------------------------------ list


@runbook.command("list")
@as_json
def list_(json_out: bool) -> None:
    """The documents of the configured folders and the library, with how much of each reads or changes."""
    folders, base = _folders()
    entries = shelf.listing(folders, base)
    if json_out:
        emit([entry.as_json() for entry in entries])
    else:
        click.echo("\n".join(_table(entries)))
        click.echo(
            "\nhutch runbook show NAME   what each statement can do\nhutch runbook new NAME    begin one of yours"
        )


def _table(entries: list[shelf.Entry]) -> list[str]:
    """Aligned columns; the title gives way where the window is narrow."""
    name = max(4, *(len(e.name) for e in entries))
    source = max(4, *(len(e.source) for e in entries))
    title = max(12, min(max(len(e.title) for e in entries), paint.width() - name - source - 29))
    head = f"{'NAME':{name}}  {'TITLE':{title}}  {'FROM':{source}}  {'READS':>5}  {'CHANGES':>7}  {'LOSES':>5}"
    return [paint.painted(head, "title"), *(_row(e, name, title, source) for e in entries)]


def _row(entry: shelf.Entry, name: int, title: int, source: int) -> str:
    lead = f"{visible(entry.name):{name}}  "
    if entry.error:
        return lead + paint.painted(visible(entry.error), "error")
    said = visible(entry.title)
    cut = said if len(said) <= title else f"{said[: title - 1]}…"
    count = f"{entry.reads:>5}  {entry.changes:>7}  {entry.destroys or '':>5}"
    return f"{lead}{cut:{title}}  {visible(entry.source):{source}}  {count}".rstrip()


# ------------------------------------------------------------------ show


@runbook.command()
@click.argument("document")
@as_json
def show(document: str, json_out: bool) -> None:
    """What DOCUMENT (a file or a library name; DOC#anchor for one runbook of it) says, statement by statement."""
    folders, base = _folders()
    name, _, anchor = document.partition("#")
    found = load_document(name, folders, base)
    only = pick(found, anchor, name) if anchor else None
    if json_out:
        emit(_json(found, only))
    else:
        sheet = Sheet(min(max(paint.width(), NARROWEST), WIDEST), paint.painted)
        click.echo(as_text(found, only, sheet))


def _json(document: Document, only: Runbook | None) -> dict[str, object]:
    shown = document_json(document)
    if only:
        shown["runbooks"] = [r for r in shown["runbooks"] if r["id"] == only.id]
    return shown


# ------------------------------------------------------------------ new


@runbook.command()
@click.argument("name")
@click.option("--from", "source", default="", metavar="LIBRARY-NAME", help="Copy this one of the library.")
@click.option("--dir", "folder", default="", help="Where it goes; default: the first folder that hutch.yaml names.")
def new(name: str, source: str, folder: str) -> None:
    """Write a runbook called NAME: one to fill in, or with --from a copy to make your own. Overwrites nothing."""
    bare = newbook.checked(name)
    folders, base = _folders()
    place = Path(folder) if folder else _first(folders, base)
    path = place / f"{bare}.md"
    beside = {p.name for p in place.glob("*.md")} | {path.name}
    today = date.today()
    text = newbook.copied(source, bare, today, beside) if source else newbook.skeleton(bare, today)
    newbook.write_new(path, text)
    click.echo("\n".join(_next(path, bare, _is_known(place, folders, base))))


def _first(folders: tuple[str, ...], base: Path | None) -> Path:
    places = [(base or Path()) / f for f in folders]
    return next((_seen(p) for p in places if not p.is_file() and p.suffix != ".md"), (base or Path()) / FOLDER)


def _seen(path: Path) -> Path:
    """From where we are, if it is below or beside us."""
    near = Path(os.path.relpath(path))
    return near if len(near.parts) < len(path.parts) else path


def _is_known(place: Path, folders: tuple[str, ...], base: Path | None) -> bool:
    """Whether Hutch finds documents there by name."""
    known = [((base or Path()) / f).resolve() for f in folders]
    return any(place.resolve().is_relative_to(k) for k in known)


def _next(path: Path, name: str, known: bool) -> list[str]:
    called = name if known else str(path)
    lines = [
        f"wrote {path}",
        "",
        "Next:",
        f"  edit {path}",
        f"  hutch runbook lint {path}",
        f"  hutch runbook show {called}    # what each statement can do, and why",
        f"  hutch run {called} --dry-run   # runs what only reads",
    ]
    if known:
        return [*lines, f"  # an alert opens it by `runbook: {name}` in hutch.yaml"]
    return [*lines, f"  # name its folder under `runbooks` in hutch.yaml, and it is called {name}"]


def _folders() -> tuple[tuple[str, ...], Path | None]:
    """The configured folders; none where there is no configuration: documents can be read without one."""
    path = config_path()
    if not path.exists():
        return (), None
    from hutch.bootstrap.wire import read_config  # noqa: PLC0415

    config, _ = read_config(path)
    return config.runbooks, path.resolve().parent
