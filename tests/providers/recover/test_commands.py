"""``hutch recover rows`` as a person meets it: a dry run by default, and the way that every change goes."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hutch.cli.main import cli
from hutch.commands.errors import CommandError
from shop_world import VANDAL, Shop

CONFIG = """
mode: {mode}
services:
  shop:
    backup: {{url: {{env: SHOP_URL}}, recover_url: {{env: SHOP_URL}}, to: {to}, tools: {tools}}}
    audit:
      url: {{env: SHOP_URL}}
      tables: {{audit: deeds}}
      columns: {{action: what}}
"""


def called(home: Path, shop: Shop, *words: str) -> Result:
    env = {"SHOP_URL": shop.url, "HUTCH_CONFIG": str(home / "hutch.yaml")}
    result = CliRunner().invoke(cli, ["recover", "rows", *words], env=env, obj={})
    if result.exception is not None and not isinstance(result.exception, SystemExit | CommandError):
        raise result.exception
    return result


def configured(home: Path, shop: Shop, mode: str) -> None:
    (home / "hutch.yaml").write_text(CONFIG.format(mode=mode, to=shop.folder, tools=shop.postgres.bin_dir))


def test_a_dry_run_observe_mode_and_the_run_that_does_it(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shop.run("alter table audit_logs rename to deeds; alter table deeds rename action to what")
    asyncio.run(shop.backup())
    shop.run(
        "with gone as (delete from portfolios where id <= 20 returning id) insert into deeds (user_id, what, details)"
        " select %s, 'portfolio.deleted', jsonb_build_object('portfolio_id', id) from gone",
        VANDAL,
    )
    count = "select count(*) from portfolios where id <= 20"
    configured(tmp_path, shop, "observe")
    words = ("--table", "portfolios", "--from-audit", "--json")
    plan = called(tmp_path, shop, *words)
    told = json.loads(plan.stdout)
    assert (plan.exit_code, told["rows"], told["deleted_by"], told["refused"]) == (0, 40, VANDAL, "")
    assert [t["table"] for t in told["tables"]] == ["portfolios", "pages"]

    observed = json.loads(called(tmp_path, shop, *words, "--apply").stdout)
    assert (observed["mode"], shop.one(count)) == ("observe", 0)

    configured(tmp_path, shop, "act")
    waiting = called(tmp_path, shop, *words, "--apply")
    assert (waiting.exit_code, shop.one(count)) == (4, 0)
    done = called(tmp_path, shop, *words, "--apply", "--yes")
    assert (done.exit_code, json.loads(done.stdout)["outcome"], shop.one(count)) == (0, "done", 20)
    assert shop.scratches() == []


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--table", "t"), "say when they were deleted"),
        (("--table", "t", "--deleted-between", "yesterday"), "write A..B"),
        (("--table", "t", "--deleted-between", "yesterday..today"), "'yesterday' is no time"),
    ],
)
def test_words_that_are_wrong(words: tuple[str, ...], why: str) -> None:
    result = CliRunner().invoke(cli, ["recover", "rows", *words], obj={})
    assert isinstance(result.exception, CommandError)
    assert why in str(result.exception)
    assert result.exception.code == 2
