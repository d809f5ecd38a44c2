"""``damage.copy``: an emergency copy, which goes on where pg_dump stops. It changes nothing in the database.

One file a table in COPY's text format, the statements that make the tables again and load them, and a manifest that is
written last and says what could not be read. ``zero_damaged_pages`` is never used: it would lose what a later look, or
a better tool, could still find.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from hutch.model.action import Command, Outcome, Result
from hutch.model.event import instant
from hutch.ports import said
from hutch.providers.postgres.damage import scripts
from hutch.providers.postgres.damage.config import DamageConfig
from hutch.providers.postgres.damage.reader import Denied, Reader, Wanted
from hutch.providers.postgres.damage.session import closed, connect, is_damage, one_line, rows
from hutch.providers.postgres.damage.sink import Sink
from hutch.providers.postgres.damage.table import Files, Lost, copy_table, file_of, told
from hutch.providers.postgres.errors import PostgresError, failed, place

DATA, MANIFEST = "data", "manifest.json"
Row = Mapping[str, Any]


class NoFolder(Exception):
    """The folder can't be used; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What the catalogue says, as far as it can be read."""

    tables: Sequence[Row]
    sequences: Sequence[Row] = ()
    statements: Sequence[Row] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Salvage:
    """Copies one database."""

    config: DamageConfig

    async def run(self, command: Command) -> Outcome:
        """``args``: ``to``, a new or empty folder; ``table`` and ``schema`` for one table alone. Exit code 3 where
        something could not be read."""
        started = time.monotonic()
        try:
            folder = prepared(str(command.args.get("to") or ""))
            manifest = await self._copied(folder, command.args)
        except (PostgresError, NoFolder) as error:
            recoverable = isinstance(error, PostgresError) and error.recoverable
            return Outcome(Result.FAILED, str(error), seconds=time.monotonic() - started, recoverable=recoverable)
        output = json.dumps({"folder": str(folder), **manifest}, ensure_ascii=False)
        summary = str(manifest["summary"])
        spent = time.monotonic() - started
        return Outcome(Result.DONE, summary, output, 0 if manifest["whole"] else 3, spent)

    async def _copied(self, folder: Path, args: Mapping[str, object]) -> dict[str, object]:
        wanted = {"table": args.get("table") or None, "schema": str(args.get("schema") or "public")}
        catalogue = await _catalogue(self.config, wanted)
        reader = Reader(self.config)
        try:
            tables = [await _table(reader, folder / DATA, n, t) for n, t in enumerate(catalogue.tables, 1)]
        finally:
            await reader.close()
        manifest = _manifest(self.config, catalogue, tables, reader)
        for name, text in scripts.all_of(catalogue.tables, tables, catalogue.sequences, catalogue.statements).items():
            _written(folder / name, text)
        _written(folder / MANIFEST, json.dumps(manifest, indent=1, ensure_ascii=False) + "\n")
        return manifest


def prepared(to: str) -> Path:
    """The folder, ours alone. :class:`NoFolder`."""
    if not to:
        raise NoFolder("say where the copy goes: a new or empty folder, on another disk than the database's")
    folder = Path(to)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise NoFolder(f"{folder} is not empty: name a new folder, nothing is ever written over")
        (folder / DATA).mkdir(mode=0o700)
    except OSError as error:
        raise NoFolder(f"{folder} can't be used: {error.strerror}") from None
    return folder


async def _catalogue(config: DamageConfig, wanted: dict[str, object]) -> Catalogue:
    """What there is; by the catalogue's tables alone, without its indexes, where those are damaged."""
    notes: list[str] = []
    try:
        session = await connect(config)
        tables = await rows(session, "salvage_tables", wanted)
    except psycopg.Error as error:
        await closed(session)
        if not is_damage(error):
            raise failed(error, place(config.url)[0], lost=False) from error
        notes.append(f"the catalogue was read without its indexes: {one_line(error)}")
        session = await connect(config, without_system_indexes=True)
        tables = await rows(session, "salvage_tables", wanted)
    found: dict[str, list[Row]] = {"salvage_sequences": [], "salvage_schema": []}
    for name in found:
        try:
            found[name] = list(await rows(session, name))
        except psycopg.Error as error:
            notes.append(f"{name.removeprefix('salvage_')} could not be read: {one_line(error)}")
    await closed(session)
    return Catalogue(tables, found["salvage_sequences"], found["salvage_schema"], tuple(notes))


@dataclass(slots=True)
class _Opened:
    """The files of one table; those for what is not whole are made when they are needed."""

    folder: Path
    number: int
    stack: ExitStack
    sinks: dict[str, Sink] = field(default_factory=dict)

    def sink(self, kind: str = "") -> Sink:
        """The file of one kind."""
        if kind not in self.sinks:
            self.sinks[kind] = self.stack.enter_context(Sink(file_of(self.folder, self.number, kind)))
        return self.sinks[kind]

    def files(self) -> Files:
        """As copying takes them."""
        return Files(self.sink(), lambda: self.sink(".partial"), lambda: self.sink(".suspect"))


async def _table(reader: Reader, folder: Path, number: int, row: Row) -> dict[str, object]:
    """Copy one table; its part of the manifest."""
    columns = tuple(c["name"] for c in row["columns"] if not c["generated"])
    said(f"{row['schema']}.{row['name']}: {row['blocks']} pages\n")
    lost, denied = Lost(), ""
    with ExitStack() as stack:
        opened = _Opened(folder, number, stack)
        try:
            if columns:
                await copy_table(
                    reader, Wanted(row["schema"], row["name"], columns), row["blocks"], opened.files(), lost
                )
        except Denied as error:
            denied = str(error)
        written = {kind or "whole": _file(sink) for kind, sink in opened.sinks.items()}
    return {
        "table": f"{row['schema']}.{row['name']}", "columns": list(columns), "pages": row["blocks"],
        "rows": written.get("whole", {}).get("rows", 0), "files": written, "refused": denied, **told(lost),
    }  # fmt: skip


def _file(sink: Sink) -> dict[str, Any]:
    size, digest = sink.ended()
    return {"name": f"{DATA}/{sink.path.name}", "rows": sink.rows, "bytes": size, "sha256": digest}


def complete(table: Mapping[str, Any]) -> bool:
    """Whether all of a table was read."""
    return not (table["unreadable_pages"] or table["pages_not_tried"] or table["unreadable_rows"] or table["refused"])


def _manifest(config: DamageConfig, catalogue: Catalogue, tables: list[dict[str, object]], reader: Reader
              ) -> dict[str, object]:  # fmt: skip
    where, database = place(config.url)
    torn = [str(t["table"]) for t in tables if not complete(t)]
    count = sum(int(str(t["rows"])) for t in tables)
    summary = f"{count} rows of {len(tables)} tables" + (f"; NOT whole: {', '.join(torn)}" if torn else ", all of them")
    return {
        "form": 1, "summary": summary, "whole": not torn, "server": where, "database": database,
        "ended": instant(datetime.now(UTC)), "snapshots": reader.snapshots, "notes": list(catalogue.notes),
        "tables": tables, "sequences": [dict(s) for s in catalogue.sequences],
    }  # fmt: skip


def _written(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
