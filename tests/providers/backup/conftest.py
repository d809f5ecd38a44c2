"""An embedded Postgres with a small shop in it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from backup_world import KEY, SHOP, Ended, Hutch, Shop
from hutch.cli.main import main
from rolerabbit.embedded.postgres import Postgres


@pytest.fixture(scope="session")
def server() -> Iterator[Postgres]:
    with Postgres.temporary() as postgres:
        yield postgres


@pytest.fixture
def shop(server: Postgres, tmp_path: Path) -> Iterator[Shop]:
    name = f"shop_{os.urandom(4).hex()}"
    url = server.createdb(name)
    with psycopg.connect(url, autocommit=True) as session:
        session.execute(SHOP)
    work = tmp_path / "work"
    work.mkdir()
    settings = {"url": url, "to": str(tmp_path / "store"), "key": KEY, "tools": str(server.bin_dir), "work": str(work),
                "format": "directory"}  # fmt: skip
    made = Shop(server, url, settings)
    yield made
    assert list(work.iterdir()) == [], "clear text was left behind"
    assert made.scratches() == []
    with psycopg.connect(server.url, autocommit=True) as session:
        session.execute(f"drop database {name} with (force)")


@pytest.fixture
def hutch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Hutch:
    """The command line, in this process: it is called often here."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HUTCH_ACTOR", "mia")
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)

    def call(*words: str) -> Ended:
        with pytest.raises(SystemExit) as ended:
            main(list(words))
        said = capsys.readouterr()
        return Ended(int(str(ended.value.code)), said.out, said.err)

    return call
