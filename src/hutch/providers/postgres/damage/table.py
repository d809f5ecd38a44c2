"""One table of an emergency copy: by pieces, halves, pages, rows and columns, down to what really can't be read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from psycopg import sql

from hutch.providers.postgres.damage.ranges import Range, joined, pieces
from hutch.providers.postgres.damage.reader import MOST_FALLS, Denied, Reader, Unreadable, Wanted, row_at, within
from hutch.providers.postgres.damage.sink import Sink

SHOWN = 50
"""Rows that can't be read whole and are named one by one; all are counted."""


@dataclass(slots=True)
class Lost:
    """What could not be read of a table, while it is being copied."""

    pages: dict[int, str] = field(default_factory=dict)
    rows: list[dict[str, object]] = field(default_factory=list)
    unread: int = 0  # pages that were not tried any more
    partial: int = 0  # rows that were saved without some of their columns
    suspect: int = 0  # rows of pages that do not match their checksum


@dataclass(frozen=True, slots=True)
class Files:
    """Where its rows go: the whole ones, those that lack columns, and those of pages with a wrong checksum."""

    whole: Sink
    partial: Callable[[], Sink]
    suspect: Callable[[], Sink]


async def copy_table(reader: Reader, table: Wanted, blocks: int, files: Files, lost: Lost) -> None:
    """Everything that can be read. :class:`Denied` where the login may not."""
    reader.falls = 0
    work = pieces(blocks)[::-1]
    while work:
        found = work.pop()
        if reader.falls >= MOST_FALLS:
            lost.unread += len(found)
            continue
        try:
            await reader.copied(table, within(found), files.whole)
        except Unreadable as error:
            if len(found) > 1:
                work += found.halves()[::-1]
            else:
                await _page(reader, table, found, str(error), files, lost)


async def _page(reader: Reader, table: Wanted, page: Range, why: str, files: Files, lost: Lost) -> None:
    """A page that can't be copied whole: row by row if it opens at all."""
    ask = sql.SQL("select t.ctid::text from only {} t where {}").format(table.place, within(page))
    try:
        rows = [str(row[0]) for row in await reader.answers(ask)]
    except Unreadable:
        lost.pages[page.first] = why
        await _despite(reader, table, page, files, lost)
        return
    for ctid in rows:
        try:
            await reader.copied(table, row_at(ctid), files.whole)
        except Unreadable as error:
            await _row(reader, table, ctid, str(error), files, lost)


async def _despite(reader: Reader, table: Wanted, page: Range, files: Files, lost: Lost) -> None:
    """The rows that a page with a wrong checksum seems to hold, into a file of their own: somebody must look."""
    if reader.falls >= MOST_FALLS:
        return
    try:
        lost.suspect += await reader.copied(table, within(page), files.suspect(), despite_checksums=True)
    except (Unreadable, Denied):
        return


async def _row(reader: Reader, table: Wanted, ctid: str, why: str, files: Files, lost: Lost) -> None:
    """A row that can't be read whole: without the columns that can't be."""
    bad = [column for column in table.columns if not await _opens(reader, table, ctid, column)]
    saved = bool(bad) and len(bad) < len(table.columns) and await _without(reader, table, ctid, bad, files)
    lost.partial += saved
    if len(lost.rows) < SHOWN:
        lost.rows.append({"row": ctid, "message": why, "columns": bad, "saved_without_them": saved})
    elif not saved:
        lost.rows[-1]["more"] = int(str(lost.rows[-1].get("more", 0))) + 1


async def _opens(reader: Reader, table: Wanted, ctid: str, column: str) -> bool:
    ask = sql.SQL("select pg_catalog.md5(t.{}::text) from only {} t where {}").format(
        sql.Identifier(column), table.place, row_at(ctid)
    )
    try:
        await reader.answers(ask)
    except (Unreadable, Denied):
        return False
    return True


async def _without(reader: Reader, table: Wanted, ctid: str, bad: list[str], files: Files) -> bool:
    listed = sql.SQL(", ").join(sql.SQL("null") if c in bad else sql.Identifier(c) for c in table.columns)
    try:
        return await reader.copied(table, row_at(ctid), files.partial(), listed) > 0
    except Unreadable:
        return False


def told(lost: Lost) -> dict[str, object]:
    """The manifest's form of what is missing."""
    ranges = [{"pages": [r.first, r.end - 1], "message": lost.pages[r.first]} for r in joined(lost.pages)]
    return {
        "unreadable_pages": ranges, "pages_not_tried": lost.unread, "unreadable_rows": lost.rows,
        "rows_saved_without_columns": lost.partial, "rows_of_suspect_pages": lost.suspect,
    }  # fmt: skip


def file_of(folder: Path, number: int, kind: str = "") -> Path:
    """A table's file: the name is a number, since any text may be a table's."""
    return folder / f"{number:05d}{kind}.copy"
