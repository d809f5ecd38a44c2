"""New passwords, asked for and forced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner, Result

from rolerabbit.cli import cli

ANN = {"email": "ann@example.com", "password": "a long password"}
NEW = "another long password"


def operate(url: str, *args: str) -> Result:
    return CliRunner().invoke(cli, list(args), env={"DATABASE_URL": url})


async def ask_for_code(replica: Any, rows: Callable[..., Any], email: str = "ann@example.com") -> str:
    answer = await replica.ask("POST", "/api/auth/password-reset", json={"email": email})
    assert answer.status == 202
    body: str = rows("SELECT body FROM outbox ORDER BY id DESC LIMIT 1")[0][0]
    code = next(line for line in body.splitlines() if len(line) >= 40 and " " not in line)
    assert code not in answer.text
    return code


async def confirm(replica: Any, code: str) -> int:
    body = {"token": code, "password": NEW}
    status: int = (await replica.ask("POST", "/api/auth/password-reset/confirm", json=body)).status
    return status


async def test_a_code_sets_a_new_password_once_and_ends_every_session(
    replica: Any, rows: Any, caplog: pytest.LogCaptureFixture
) -> None:
    token = await replica.new_user("ann@example.com")
    code = await ask_for_code(replica, rows, "ANN@example.com")
    assert await confirm(replica, code) == 204
    assert (await replica.ask("GET", "/api/auth/me", token=token)).status == 401
    assert rows("SELECT count(*), count(revoked_at) FROM user_sessions") == [(1, 1)]
    assert (await replica.ask("POST", "/api/auth/login", json=ANN)).status == 401
    assert (await replica.ask("POST", "/api/auth/login", json={**ANN, "password": NEW})).status == 200
    assert await confirm(replica, code) == 400
    assert code not in caplog.text
    everything = "SELECT count(*) FROM {} t WHERE t::text LIKE '%%' || %s || '%%'"
    for table in ("password_resets", "audit_logs", "security_logs", "users"):
        assert rows(everything.format(table), code) == [(0,)]


async def test_a_code_is_good_for_a_while_and_until_the_next_reset(replica: Any, rows: Any) -> None:
    await replica.new_user("ann@example.com")
    first, second = await ask_for_code(replica, rows), await ask_for_code(replica, rows)
    assert await confirm(replica, second) == 204
    assert await confirm(replica, first) == 400
    late = await ask_for_code(replica, rows)
    rows("UPDATE password_resets SET expires_at = now()")
    assert await confirm(replica, late) == 400
    assert await confirm(replica, "nonsense") == 400


async def test_nobody_learns_whether_there_is_an_account(replica: Any, rows: Any) -> None:
    await replica.new_user("ann@example.com")
    answers = [
        (await replica.ask("POST", "/api/auth/password-reset", json={"email": email})).text
        for email in ("ann@example.com", "bob@example.com")
    ]
    assert answers[0] == answers[1]
    assert rows("SELECT recipient FROM outbox") == [("ann@example.com",)]


async def test_a_forced_reset_ends_sessions_and_lets_nobody_in_before_it_is_done(
    replica: Any, rows: Any, database_url: str
) -> None:
    token = await replica.new_user("ann@example.com")
    other = await replica.new_user("bob@example.com")
    done = operate(database_url, "accounts", "force-reset", "--email", "Ann@example.com")
    assert done.output == "1 of 1 accounts newly need a new password; 1 sessions ended\n"
    assert (await replica.ask("GET", "/api/auth/me", token=token)).status == 401
    assert (await replica.ask("GET", "/api/auth/me", token=other)).status == 200
    refused = await replica.ask("POST", "/api/auth/login", json=ANN)
    assert refused.status == 403
    assert "POST /api/auth/password-reset" in refused.json["error"]
    assert (await replica.ask("POST", "/api/auth/login", json={**ANN, "password": "wrong one"})).status == 401
    assert await confirm(replica, await ask_for_code(replica, rows)) == 204
    assert (await replica.ask("POST", "/api/auth/login", json={**ANN, "password": NEW})).status == 200


async def test_a_reset_of_all_is_told_to_everybody_once(replica: Any, rows: Any, database_url: str) -> None:
    for name in ("ann", "bob"):
        await replica.new_user(f"{name}@example.com")
    first = operate(database_url, "accounts", "force-reset", "--all")
    again = operate(database_url, "accounts", "force-reset", "--all")
    assert first.output.startswith("2 of 2 accounts newly need a new password; 2 sessions ended")
    assert again.output.startswith("0 of 2 accounts newly need a new password; 0 sessions ended")
    assert rows("SELECT recipient FROM outbox ORDER BY recipient") == [("ann@example.com",), ("bob@example.com",)]
    assert rows("SELECT count(*) FROM audit_logs WHERE action = 'user.reset_forced'") == [(2,)]


@pytest.mark.parametrize(
    ("args", "code", "text"),
    [
        (["force-reset"], 2, "either --email ADDRESS or --all"),
        (["force-reset", "--all", "--email", "a@b.cc"], 2, "either --email ADDRESS or --all"),
        (["force-reset", "--email", "no@example.com"], 1, "no account of no@example.com"),
        (["role", "no@example.com", "admin"], 1, "no account of no@example.com"),
    ],
)
def test_a_wrong_order_is_refused(database_url: str, args: list[str], code: int, text: str) -> None:
    result = operate(database_url, "accounts", *args)
    assert (result.exit_code, text in result.stderr) == (code, True)


async def test_an_operator_makes_an_admin(replica: Any, rows: Any, database_url: str) -> None:
    await replica.new_user("ann@example.com")
    assert operate(database_url, "accounts", "role", "ANN@example.com", "admin").exit_code == 0
    assert rows("SELECT role FROM users") == [("admin",)]
