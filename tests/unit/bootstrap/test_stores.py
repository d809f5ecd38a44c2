"""Which store a configuration and the environment mean."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from hutch.bootstrap.stores import VARIABLE, Place, check_shared, place_of
from hutch.bootstrap.wire import open_context
from hutch.cli.main import cli
from hutch.commands.context import CommandError
from hutch.commands.seen import whole
from hutch.model.config import Config
from hutch.store.sqlite import SqliteStore

URL = "postgresql://hutch:secret-word@db.example:5433/hutch"


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


def test_a_folder_unless_a_database_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert place_of(Config(store="data"), tmp_path) == Place(tmp_path / "data")
    named = "postgresql://hutch@db.example/hutch"
    assert place_of(Config(store=named), tmp_path) == Place(tmp_path / ".hutch", named)
    monkeypatch.setenv(VARIABLE, URL)
    assert place_of(Config(store="data"), tmp_path) == Place(tmp_path / "data", URL)
    assert place_of(Config(store=named), tmp_path) == Place(tmp_path / ".hutch", URL)


def test_a_place_is_called_without_user_and_password() -> None:
    assert Place(Path("x"), URL).name == "Postgres at db.example:5433/hutch"
    assert Place(Path("x")).name == "x/hutch.db"


def test_what_is_no_address_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match=r"a password does not belong in .*: set HUTCH_DATABASE_URL") as refused:
        place_of(Config(path="hutch.yaml", store=URL), tmp_path)
    assert "secret-word" not in str(refused.value)
    monkeypatch.setenv(VARIABLE, "mysql://u:secret-word@h/d")
    with pytest.raises(CommandError, match="HUTCH_DATABASE_URL: expected postgresql://") as refused:
        place_of(Config(), tmp_path)
    assert "secret-word" not in str(refused.value)


def test_a_worker_shares_a_file_only_on_its_own_machine(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"no store at .*: start `hutch serve` here first; .*set HUTCH_DATABASE_URL"):
        check_shared(Place(tmp_path))
    (tmp_path / "hutch.db").touch()
    check_shared(Place(tmp_path))
    (tmp_path / "serving").write_text("elsewhere/deadbeef/pid[1]:12:34")
    with pytest.raises(CommandError, match=r"the server that uses .* runs on another machine"):
        check_shared(Place(tmp_path))
    check_shared(Place(tmp_path / "none", URL))


def test_hutch_worker_says_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "hutch.yaml").write_text("services:\n  shop: {shell: {}}\n")
    done = CliRunner().invoke(cli, ["--config", str(tmp_path / "hutch.yaml"), "worker"])
    assert isinstance(done.exception, CommandError)
    assert done.exception.code == 2
    assert not (tmp_path / ".hutch").exists()


async def test_demonstrations_and_drills_keep_away_from_the_store_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "postgresql://nobody@127.0.0.1:1/nowhere")
    (tmp_path / "hutch.yaml").write_text("services:\n  shop: {shell: {}}\n")
    context = open_context(tmp_path / "hutch.yaml", apart=True)
    assert isinstance(whole(context.store), SqliteStore)
    await context.close()
