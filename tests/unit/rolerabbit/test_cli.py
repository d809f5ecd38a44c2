"""The command's own part: lazy subcommands and clear refusals."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from rolerabbit.cli import LazyGroup, cli, main


def test_a_subcommand_whose_module_is_missing_is_left_out() -> None:
    group = LazyGroup("x", lazy={"db": "rolerabbit.db:db", "gone": "rolerabbit.no_such.cli:thing"})
    result = CliRunner().invoke(group, ["--help"])
    assert "db" in result.output
    assert "gone" not in result.output
    assert CliRunner().invoke(group, ["gone"]).exit_code == 2


def test_a_missing_package_is_named_with_what_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}", name="psycopg_pool")

    monkeypatch.setattr("rolerabbit.cli.importlib.import_module", refuse)
    with pytest.raises(click.ClickException, match=r"'psycopg_pool': install the extra .*hutch\[demo\]"):
        cli.get_command(click.Context(cli), "db")


def test_starting_up_imports_nothing_heavy() -> None:
    code = "import sys, rolerabbit.cli; print(*{'fastapi','psycopg','aiohttp','uvicorn','pydantic'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["serve"], "give either --fd or --port"),
        (["serve", "--fd", "3", "--port", "80"], "give either --fd or --port"),
        (["serve", "--port", "8080"], "DATABASE_URL is not set"),
        (["db", "status"], "DATABASE_URL is not set"),
        (["load", "--url", "http://example.com"], "load goes to loopback addresses only"),
    ],
)
def test_wrong_usage_is_exit_2_with_a_reason(
    args: list[str], message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setattr(sys, "argv", ["rolerabbit", *args])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_a_database_that_does_not_answer_is_exit_5(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://rabbit:hush@127.0.0.1:1/rolerabbit")
    monkeypatch.setattr(sys, "argv", ["rolerabbit", "db", "status"])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 5
    said = capsys.readouterr().err
    assert "the database at DATABASE_URL" in said
    assert "hush" not in said
