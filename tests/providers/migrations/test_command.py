"""``hutch migrate`` as a person gives it: real processes, a real store, a real database."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from tests.providers.migrations.by_us import ALONE, NICK, USERS, Shop

from hutch.cli.main import main

HUTCH = str(Path(sys.executable).with_name("hutch"))
Configured = Callable[..., "Console"]


@dataclass(frozen=True)
class Console:
    """A folder with a hutch.yaml, and what is typed in it."""

    folder: Path
    env: Mapping[str, str]
    read: Callable[[], Any]

    def hutch(self, *words: str, code: int = 0) -> str:
        """In this process; all that it says."""
        out, err = self._run(words, code)
        return out + err

    def json(self, *words: str, code: int = 0) -> Any:
        return json.loads(self._run((*words, "--json"), code)[0])

    def start(self, *words: str) -> subprocess.Popen[str]:
        """In a process of its own, to be killed."""
        return subprocess.Popen([HUTCH, *words], cwd=self.folder, env={**os.environ, **self.env}, text=True,
                                stdout=subprocess.DEVNULL)  # fmt: skip

    def _run(self, words: tuple[str, ...], code: int) -> tuple[str, str]:
        with pytest.MonkeyPatch.context() as patched, pytest.raises(SystemExit) as ended:
            patched.chdir(self.folder)
            patched.setattr(sys, "excepthook", sys.excepthook)
            for name, value in self.env.items():
                patched.setenv(name, value)
            self.read()
            main(["--no-input", *words])
        out, err = self.read()
        assert ended.value.code == code, (words, ended.value.code, out, err)
        return out, err


@pytest.fixture
def configured(shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Configured:
    def made(mode: str = "act", more: Mapping[str, object] | None = None, **settings: object) -> Console:
        block = {**shop.settings(**settings), "url": {"env": "SHOP_READER"}, "owner_url": {"env": "SHOP_OWNER"}}
        service = {"migrations": block, **(more or {})}
        (tmp_path / "hutch.yaml").write_text(yaml.safe_dump({"mode": mode, "services": {"shop": service}}))
        env = {"SHOP_READER": shop.reader, "SHOP_OWNER": shop.owner, "HUTCH_ACTOR": "ada"}
        return Console(tmp_path, env, capsys.readouterr)

    return made


def test_up_waits_for_approval_and_the_way_back_is_a_run_too(shop: Shop, configured: Configured) -> None:
    console = configured()
    shop.write("001_users.sql", USERS)
    shop.write("002_nick.sql", NICK)
    said = console.hutch("migrate", "up", code=4)
    assert "  CREATE INDEX users_nick ON users (nick);" in said
    [run] = console.json("runs", "list")
    assert shop.sql("select to_regclass('users')::text") == [(None,)]
    console.hutch("runs", "approve", run["id"])
    assert shop.versions() == ["001", "002"]
    status = console.json("migrate", "status")
    assert (status["applied"], status["pending"], status["half_applied"]) == (["001", "002"], [], [])
    back = console.json("runs", "undo", run["id"], code=4)
    console.hutch("runs", "approve", back["id"])
    assert shop.versions() == []
    assert "nothing to do: nothing is applied" in console.hutch("migrate", "down")


def test_yes_never_covers_what_loses_data(shop: Shop, configured: Configured) -> None:
    console = configured()
    shop.write("001_users.sql", USERS)
    console.hutch("migrate", "up", "--yes")
    assert "--yes never covers what loses data (001: drops table users)" in console.hutch(
        "migrate", "down", "--yes", code=1
    )
    shown = console.json("migrate", "down", "--dry-run")
    assert shown["options"][0]["effect"] == "destroy"
    assert shop.versions() == ["001"]
    shop.write("002_index.sql", "-- migrate:up\nCREATE INDEX u ON users (email);\n-- migrate:down\nDROP INDEX u;\n")
    console.hutch("migrate", "up", "--yes")
    console.hutch("migrate", "down", "--yes")
    assert shop.versions() == ["001"]


def test_observe_mode_and_a_freeze_stop_it(shop: Shop, configured: Configured) -> None:
    shop.write("001_users.sql", USERS)
    observing = configured("observe")
    proposed = observing.json("migrate", "up", "--yes")
    assert (proposed["outcome"], proposed["mode"]) == ("proposed", "observe")
    assert "is over: proposed" in observing.hutch("runs", "approve", proposed["id"], code=1)
    acting = configured()
    waiting = acting.json("migrate", "up", code=4)
    acting.hutch("freeze", "quarter end")
    assert "frozen: quarter end" in acting.hutch("runs", "approve", waiting["id"], code=1)
    assert "frozen: quarter end" in acting.hutch("migrate", "up", "--yes", code=1)
    assert shop.sql("select to_regclass('users')::text") == [(None,)]


def test_status_names_what_is_left_and_mark_waits_for_it(shop: Shop, configured: Configured) -> None:
    console = configured()
    shop.write("001_users.sql", USERS)
    console.hutch("migrate", "up", "--yes")
    shop.write("002_alone.sql", ALONE)
    shop.sql("alter table users add column age int")
    said = console.hutch("migrate", "status", code=3)
    assert "    CREATE UNIQUE INDEX CONCURRENTLY users_email ON users (email);" in said
    refused = console.hutch("migrate", "mark", "002", "--yes", code=1)
    assert "not everything is there: index users_email, column users.town" in refused
    assert shop.versions() == ["001"]
    for line in console.json("migrate", "status", code=3)["half_applied"][0]["by_hand"][:-1]:
        shop.sql(line)
    console.hutch("migrate", "mark", "002", "--yes")
    assert shop.versions() == ["001", "002"]
    assert "no migration 404" in console.hutch("migrate", "mark", "404", "--yes", code=1)


@pytest.mark.slow
def test_killed_in_the_middle_nothing_is_half_and_the_run_knows(shop: Shop, configured: Configured) -> None:
    """kill -9 while the migration is at work: the journal has its intent, and verification says what became of it."""
    console = configured()
    shop.write("001_users.sql", USERS)
    console.hutch("migrate", "up", "--yes")
    slow = (
        "-- migrate:up\nALTER TABLE users ADD COLUMN a int;\nSELECT pg_sleep(3);\nALTER TABLE users ADD COLUMN b int;\n"
    )
    shop.write("002_slow.sql", f"{slow}-- migrate:down\n")
    run = console.json("migrate", "up", code=4)["id"]
    with console.start("runs", "approve", run) as process:
        try:
            wait_for(shop, "select count(*) = 1 from pg_stat_activity where query like 'SELECT pg_sleep%'")
        finally:
            os.kill(process.pid, signal.SIGKILL)
    assert console.json("migrate", "status")["running"]
    wait_for(shop, "select count(*) = 0 from pg_stat_activity where application_name = 'hutch-migrate'")
    status = console.json("migrate", "status")
    assert (status["pending"], status["half_applied"]) == (["002"], [])
    console.json("migrate", "up", "--yes")
    assert shop.versions() == ["001", "002"]
    with console.start("worker") as worker:
        try:
            deadline = time.monotonic() + 30
            while (shown := console.json("runs", "show", run)) and not shown["outcome"]:
                assert time.monotonic() < deadline, shown
                time.sleep(0.3)
        finally:
            worker.terminate()
    assert (shown["outcome"], shown["options"][0]["state"]) == ("done", "verified")


def wait_for(shop: Shop, condition: str) -> None:
    deadline = time.monotonic() + 30
    with psycopg.connect(shop.owner, autocommit=True, application_name="console") as session:
        while session.execute(condition.encode()).fetchone() != (True,):
            assert time.monotonic() < deadline, condition
            time.sleep(0.02)


def test_what_can_not_be_asked_says_what_to_do(shop: Shop, configured: Configured, tmp_path: Path) -> None:
    nowhere = configured()
    (tmp_path / "hutch.yaml").write_text("mode: act\nservices: {shop: {http: {url: http://127.0.0.1:1}}}\n")
    assert "service shop has no migrations: add services.shop.migrations" in nowhere.hutch("migrate", "status", code=2)
    away = configured()
    broken = replace(away, env={**away.env, "SHOP_READER": "postgresql://x:hidden-word@127.0.0.1:1/shop"})
    said = broken.hutch("migrate", "status", code=5)
    assert "127.0.0.1:1" in said
    assert "hidden-word" not in said
    gone = configured(folder=["/nowhere/at-all"])
    assert "/nowhere/at-all: No such file or directory" in gone.hutch("migrate", "up", code=1)
