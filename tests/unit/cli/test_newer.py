"""A Hutch of an older version on a store that serves it no more: every process is refused, and told what to install."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from hutch.cli.main import cli
from hutch.store.errors import StoreError
from hutch.store.sqlite import SqliteStore


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hutch.yaml").write_text("services: {shop: {}}\n", encoding="utf-8")
    path = tmp_path / ".hutch" / "hutch.db"
    path.parent.mkdir()

    async def make() -> None:
        await SqliteStore(path).close()

    asyncio.run(make())
    with closing(sqlite3.connect(path)) as file:
        file.execute("UPDATE alembic_version SET version_num = '0099'")
        file.execute("UPDATE meta SET value = '9.0' WHERE key = 'made_by'")
        file.commit()
    return path


@pytest.mark.parametrize("words", ["worker", "incident list", "archive run", "verify", "freeze now"])
def test_it_is_refused_and_the_store_is_left_alone(store: Path, words: str) -> None:
    before = store.read_bytes()
    done = CliRunner().invoke(cli, words.split())
    assert isinstance(done.exception, StoreError), done.output
    assert "made by a newer version (Hutch 9.0, schema 0099)" in str(done.exception)
    assert "install Hutch 9.0 or newer" in str(done.exception)
    assert store.read_bytes() == before
