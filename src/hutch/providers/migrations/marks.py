"""How each tool notes that a version is applied, or is not, as statements. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from hutch.providers.migrations.alembic import ancestors
from hutch.providers.migrations.files import File
from hutch.providers.migrations.owner import Statement
from hutch.providers.migrations.queries import query
from hutch.providers.migrations.standing import VERSION_COLUMNS

FOREIGN = frozenset({"dirty", "success", "is_applied", "installed_rank"})
"""Columns of golang-migrate's, Flyway's and goose's tables: their rows hold more than we know to write."""


class Unmarkable(ValueError):
    """Why we do not write the row, and who does."""


def marked(
    tool: str, table: str, columns: Sequence[str], file: File, files: Sequence[File], heads: Sequence[str]
) -> list[Statement]:
    """What notes the version of ``file`` as applied. Raises :class:`Unmarkable`."""
    version = {"version": file.version}
    if tool == "prisma":
        if not file.checksum:
            raise Unmarkable(f"{file.version} has no file to take the checksum of")
        resolve = (query("prisma_resolve", table), version)
        return [resolve, (query("prisma_applied", table), {**version, "checksum": file.checksum})]
    if tool == "alembic":
        return _alembic(table, file, files, heads)
    column = version_column(tool, columns)
    finished = [(query("mark_finished", table, column), version)] if "finished_at" in columns else []
    return [(query("mark_version", table, column), version), *finished]


def unmarked(
    tool: str, table: str, columns: Sequence[str], file: File, files: Sequence[File], heads: Sequence[str]
) -> list[Statement]:
    """What notes it as not applied. Raises :class:`Unmarkable`."""
    version = {"version": file.version}
    if tool == "prisma":
        return [(query("prisma_back", table), version)]
    if tool == "alembic":
        return _alembic_back(table, file, files, heads)
    return [(query("unmark_version", table, version_column(tool, columns)), version)]


def version_column(tool: str, columns: Sequence[str]) -> str:
    """The column of versions. Raises :class:`Unmarkable` for a table whose rows hold more than we know to write."""
    if tool not in ("sql", "rails") or FOREIGN & set(columns):
        raise Unmarkable("the rows of this tool's table are its own: set mark_command to the tool's command for it")
    return next((name for name in VERSION_COLUMNS if name in columns), VERSION_COLUMNS[0])


def _alembic(table: str, file: File, files: Sequence[File], heads: Sequence[str]) -> list[Statement]:
    """Alembic keeps the heads alone: a revision takes the place of those of its parents that are one."""
    passed = ancestors(files, heads)
    missing = [p for p in file.parents if p not in passed]
    if missing:
        raise Unmarkable(f"{missing[0]}, which comes before {file.version}, is not applied yet")
    before = [p for p in file.parents if p in heads]
    if not before:
        return [(query("alembic_add", table), {"version": file.version})]
    gone: list[Statement] = [(query("alembic_drop", table), {"version": p}) for p in before[1:]]
    return [(query("alembic_move", table), {"version": file.version, "from": before[0]}), *gone]


def _alembic_back(table: str, file: File, files: Sequence[File], heads: Sequence[str]) -> list[Statement]:
    if file.version not in heads:
        raise Unmarkable(f"{file.version} is no head: what comes after it is applied")
    others = ancestors(files, [h for h in heads if h != file.version])
    back = [p for p in file.parents if p not in others]
    if not back:
        return [(query("alembic_drop", table), {"version": file.version})]
    added: list[Statement] = [(query("alembic_add", table), {"version": p}) for p in back[1:]]
    return [(query("alembic_move", table), {"version": back[0], "from": file.version}), *added]
