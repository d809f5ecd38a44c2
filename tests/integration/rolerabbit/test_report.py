"""The form for reports: works without a script, repeats nothing unescaped, and operators can list what came in."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from click.testing import CliRunner

from rolerabbit.cli import cli

HOSTILE = '"><script>alert(1)</script>\x1b[2J'


async def send(replica: Any, **fields: str) -> Any:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return await replica.ask("POST", "/report", data=urlencode(fields), headers=headers)


async def test_the_form_needs_nothing_but_html(replica: Any) -> None:
    answer = await replica.ask("GET", "/report", params={"page": HOSTILE})
    assert answer.status == 200
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; form-action 'self'")
    assert '<form method="post" action="/report">' in answer.text
    assert "<script" not in answer.text
    assert "style" not in answer.text
    assert "&quot;&gt;&lt;script&gt;" in answer.text


async def test_a_report_is_kept_and_listed(replica: Any, rows: Any, database_url: str) -> None:
    sent = await send(replica, page="/p/ann", reason="abuse", message=f"bad {HOSTILE}", email="bob@example.com", x="y")
    number = rows("SELECT id FROM user_reports")[0][0]
    assert (sent.status, f"number is {number}." in sent.text) == (201, True)
    found = rows("SELECT page, reason, message, email, host(ip_address) FROM user_reports")
    assert found == [("/p/ann", "abuse", f"bad {HOSTILE}", "bob@example.com", "127.0.0.1")]
    environ = {"DATABASE_URL": database_url}
    listed = CliRunner().invoke(cli, ["reports"], env=environ)
    assert f"#{number} " in listed.output
    assert "\x1b" not in listed.output
    assert json.loads(CliRunner().invoke(cli, ["reports", "--json"], env=environ).output)[0]["page"] == "/p/ann"
    rows("UPDATE user_reports SET handled_at = now()")
    assert CliRunner().invoke(cli, ["reports"], env=environ).output == ""


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({}, "Please say what is wrong."),
        ({"message": "   "}, "Please say what is wrong."),
        ({"message": "x", "reason": "fun"}, "Please choose one of the reasons."),
        ({"message": "x", "email": "nobody"}, "This is no address of yours"),
        ({"message": "x", "email": "a@b.cc\nBcc: all@b.cc"}, "This is no address of yours"),
        ({"message": "x\0"}, "Please use text only."),
        ({"message": "x" * 4001}, "at most 4000 characters"),
        ({"message": "x", "page": "p" * 301}, "at most 300 characters"),
    ],
)
async def test_a_form_that_is_wrong_comes_back_as_it_was(
    replica: Any, rows: Any, fields: dict[str, str], problem: str
) -> None:
    answer = await send(replica, **{"page": HOSTILE, **fields})
    assert answer.status == 422
    assert problem in answer.text
    assert "<script" not in answer.text
    assert rows("SELECT count(*) FROM user_reports") == [(0,)]


async def test_too_much_is_not_read(replica: Any) -> None:
    assert (await send(replica, message="x" * 30_000)).status == 413
    crowded = "&".join(f"a{n}=1" for n in range(50))
    assert (await replica.ask("POST", "/report", data=crowded)).status == 422
