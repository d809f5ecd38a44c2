"""Migrations lead to the tables that the code uses, and a current file is left alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from hutch.store.engine import reading_engine
from hutch.store.revisions import FILE, SERVER
from hutch.store.sqlite import SqliteStore
from hutch.store.tables import metadata
from hutch.store.upgrade import POSTGRES, SQLITE, alembic_config


def test_the_known_revisions_are_those_of_the_migrations() -> None:
    for history, folder in ((FILE, SQLITE), (SERVER, POSTGRES)):
        scripts = ScriptDirectory.from_config(alembic_config(scripts=folder))
        assert tuple(script.revision for script in reversed(list(scripts.walk_revisions()))) == history.known


async def test_migrating_an_empty_file_makes_the_tables_of_the_code(tmp_path: Path) -> None:
    await SqliteStore(tmp_path / "hutch.db").close()
    engine = reading_engine(tmp_path / "hutch.db")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


OPEN = """
import asyncio, sys
from pathlib import Path
from hutch.store.sqlite import SqliteStore
asyncio.run(SqliteStore(Path(sys.argv[1])).close())
print("alembic" in sys.modules)
"""


def test_only_a_file_that_needs_it_pays_for_alembic(tmp_path: Path) -> None:
    run = [sys.executable, "-c", OPEN, str(tmp_path / "hutch.db")]
    assert [subprocess.check_output(run, text=True).strip() for _ in range(2)] == ["True", "False"]
