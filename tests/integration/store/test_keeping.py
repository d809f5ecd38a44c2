"""Hutch's own store is backed up while it is in use, and restored: the same chain, and changes are frozen."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import stat
from collections.abc import Callable
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hutch.bootstrap.keeping import back_up, restore
from hutch.bootstrap.secrets import EnvironmentSecrets
from hutch.bootstrap.stores import Place, open_accounts, open_store
from hutch.cli.main import cli
from hutch.commands.context import CommandError
from hutch.model.access import AccessRole
from hutch.model.accounts import Account
from hutch.model.event import Draft
from hutch.ports import Append, Job, Store
from hutch.store.clock import SYSTEM_CLOCK
from hutch.store.errors import StoreError
from hutch.store.verify import verify_store
from stores import Databases

NOW = datetime(2026, 1, 15, 10, tzinfo=UTC)
KINDS = ("sqlite", "postgres")


def quiet(_done: int, _total: int) -> None:
    """Nobody looks."""


@pytest.fixture
def places(tmp_path: Path, postgres_databases: Callable[[], Databases]) -> object:
    """Empty stores of either kind, by name."""
    with ExitStack() as stack:

        def place(kind: str, name: str) -> Place:
            url = stack.enter_context(postgres_databases().fresh()) if kind == "postgres" else ""
            return Place(tmp_path / name, url)

        yield place


def opened(place: Place) -> Store:
    return open_store(place, SYSTEM_CLOCK, EnvironmentSecrets(place.home))[0]


async def written(store: Store, until: asyncio.Event) -> int:
    """Events and jobs as they come, until told to stop; how many events."""
    number = 0
    while not until.is_set():
        number += 1
        job = Job("drive", f"run:{number % 5}", NOW + timedelta(days=number), {"n": number})
        await store.commit([Append(f"run:{number % 5}", (Draft("noted", {"n": number}),))], [job])
    return number


@pytest.mark.parametrize(("kind", "other"), [pytest.param(*KINDS, marks=pytest.mark.slow), KINDS[::-1]])
async def test_a_backup_of_a_store_in_use_is_a_moment_of_it_and_comes_back(
    kind: str, other: str, places: Callable[[str, str], Place], tmp_path: Path
) -> None:
    here, there = places(kind, "here"), places(other, "there")
    store, accounts, stop = opened(here), open_accounts(here), asyncio.Event()
    await accounts.add(Account("olivia", AccessRole.ADMIN, NOW))
    (here.home / "evidence").mkdir(parents=True)
    (here.home / "evidence/one").write_bytes(b"seen")
    writing = asyncio.create_task(written(store, stop))
    while len(await store.tail()) < 40:
        await asyncio.sleep(0.01)
    made, done = await asyncio.to_thread(back_up, here, tmp_path / "kept", NOW, quiet)
    stop.set()
    total = await writing
    log = await store.tail(limit=10_000)
    await store.close()
    await accounts.close()

    assert made == tmp_path / "kept/hutch-20260115T100000Z"
    assert 40 <= done.events <= total and done.jobs == done.events and done.beside["accounts"] == 1
    assert stat.S_IMODE(made.stat().st_mode) == 0o700 and list(made.parent.iterdir()) == [made]
    assert verify_store(made / "hutch.db").events == done.events
    again = await asyncio.to_thread(restore, made, there, quiet)
    assert again == done
    back, people = opened(there), open_accounts(there)
    assert await back.tail(limit=10_000) == log[: done.events]
    assert [account.name for account in await people.every()] == ["olivia"]
    assert (there.home / "evidence/one").read_bytes() == b"seen"
    await back.close()
    await people.close()
    with pytest.raises(CommandError, match="is there already"):
        await asyncio.to_thread(back_up, here, tmp_path / "kept", NOW, quiet)


def called(home: Path, *words: str) -> Result:
    return CliRunner().invoke(cli, ["--config", str(home / "hutch.yaml"), *words], standalone_mode=False)


def test_a_restored_store_is_frozen_and_an_occupied_place_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HUTCH_DATABASE_URL", raising=False)
    (tmp_path / "hutch.yaml").write_text("services: {shop: {}}\n")
    declared = json.loads(called(tmp_path, "incident", "declare", "it burns", "--severity", "SEV-2", "--json").stdout)
    made = Path(
        json.loads(called(tmp_path, "backup", "self", "--to", str(tmp_path / "kept"), "--json").stdout)["backup"]
    )
    called(tmp_path, "incident", "note", declared["id"], "not in the backup")
    refused = called(tmp_path, "store", "restore", str(made)).exception
    assert isinstance(refused, StoreError) and "is not empty: it holds events" in str(refused)
    (tmp_path / ".hutch").rename(tmp_path / "lost")
    assert "changes are frozen" in called(tmp_path, "store", "restore", str(made)).stdout
    listed = json.loads(called(tmp_path, "incident", "list", "--json").stdout)
    assert [row["id"] for row in listed] == [declared["id"]]
    assert called(tmp_path, "thaw").stdout == "changes are allowed again\n"
    assert called(tmp_path, "verify", str(made)).stdout.startswith("every chain is intact: ")
    with closing(sqlite3.connect(made / "hutch.db")) as forged:
        for (name,) in forged.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            forged.execute(f"DROP TRIGGER {name}")
        forged.execute("UPDATE events SET actor = 'mallory' WHERE position = 2")
        forged.commit()
    assert "#2: " in called(tmp_path, "verify", str(made)).stdout


def test_what_is_no_backup_and_what_cannot_be_made_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    here = Place(tmp_path / "none")
    with pytest.raises(CommandError, match="no backup at"):
        restore(tmp_path, here, quiet)
    with pytest.raises(StoreError, match="no such file"):
        back_up(here, tmp_path / "kept", NOW, quiet)
    assert list((tmp_path / "kept").iterdir()) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(CommandError, match="no backup can be made at"):
        back_up(here, tmp_path / "file", NOW, quiet)
