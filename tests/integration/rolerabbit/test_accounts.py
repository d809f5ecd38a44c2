"""Register, log in, log out, and what is written down about it."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

ACCOUNT = {"email": "ann@example.com", "password": "a long password"}


async def test_register_log_in_log_out(replica: Any, rows: Any) -> None:
    registered = await replica.ask("POST", "/api/auth/register", json=ACCOUNT)
    assert (registered.status, registered.json["email"]) == (201, "ann@example.com")
    assert "password" not in registered.text

    token = (await replica.ask("POST", "/api/auth/login", json=ACCOUNT)).json["token"]
    me = await replica.ask("GET", "/api/auth/me", token=token)
    assert (me.status, me.json["id"]) == (200, registered.json["id"])

    assert (await replica.ask("POST", "/api/auth/logout", token=token)).status == 204
    assert (await replica.ask("GET", "/api/auth/me", token=token)).status == 401
    assert rows("SELECT token_hash, revoked_at IS NOT NULL FROM user_sessions") == [
        (sha256(token.encode()).digest(), True)
    ]
    assert [r[0] for r in rows("SELECT action FROM audit_logs ORDER BY id")] == [
        "user.registered",
        "user.logged_in",
        "user.logged_out",
    ]


async def test_an_address_has_one_account_whatever_its_case(replica: Any) -> None:
    assert (await replica.ask("POST", "/api/auth/register", json=ACCOUNT)).status == 201
    again = await replica.ask("POST", "/api/auth/register", json={**ACCOUNT, "email": "ANN@example.com"})
    assert again.status == 409


async def test_the_password_is_kept_as_argon2id(replica: Any, rows: Any) -> None:
    await replica.new_user("ann@example.com")
    assert rows("SELECT password_hash FROM users")[0][0].startswith("$argon2id$")


async def test_failed_logins_are_logged_with_their_address(database_url: str, start_replica: Any, rows: Any) -> None:
    async with start_replica(database_url) as replica:
        await replica.new_user("ann@example.com")
        wrong = await replica.ask("POST", "/api/auth/login", json={**ACCOUNT, "password": "guess"})
        unknown = await replica.ask("POST", "/api/auth/login", json={**ACCOUNT, "email": "bob@example.com"})
    assert (wrong.status, wrong.json) == (unknown.status, unknown.json) == (401, {"error": "wrong address or password"})
    query = (
        "SELECT event_type, host(ip_address), user_id IS NOT NULL, details ->> 'account' FROM security_logs ORDER BY id"
    )
    assert rows(query) == [
        ("LOGIN_FAILURE", "127.0.0.1", True, "ann@example.com"),
        ("LOGIN_FAILURE", "127.0.0.1", False, "bob@example.com"),
    ]


async def test_a_blocked_address_may_not_log_in(replica: Any, rows: Any) -> None:
    await replica.new_user("ann@example.com")
    rows(
        "INSERT INTO ip_blocklist (ip_address, reason, blocked_until) VALUES (%s, 'test', now() + interval '1 h')",
        "127.0.0.1",
    )
    assert (await replica.ask("POST", "/api/auth/login", json=ACCOUNT)).status == 403
    rows("UPDATE ip_blocklist SET blocked_until = now()")
    assert (await replica.ask("POST", "/api/auth/login", json=ACCOUNT)).status == 200


async def test_a_restricted_account_is_locked_out_until_the_restriction_ends(replica: Any, rows: Any) -> None:
    token = await replica.new_user("ann@example.com")
    rows(
        "INSERT INTO account_restrictions (user_id, restriction, reason, restricted_until)"
        " SELECT id, 'all', 'test', now() + interval '1 h' FROM users"
    )
    for refused in (
        await replica.ask("GET", "/api/auth/me", token=token),
        await replica.ask("POST", "/api/auth/login", json=ACCOUNT),
    ):
        assert (refused.status, refused.json) == (403, {"error": "this account is restricted for now"})
    assert rows("SELECT count(*) FROM security_logs WHERE event_type = 'UNAUTHORIZED_ACCESS'") == [(2,)]
    rows("UPDATE account_restrictions SET restricted_until = now()")
    assert (await replica.ask("GET", "/api/auth/me", token=token)).status == 200


async def test_an_expired_session_is_refused(replica: Any, rows: Any) -> None:
    token = await replica.new_user("ann@example.com")
    rows("UPDATE user_sessions SET expires_at = now()")
    assert (await replica.ask("GET", "/api/auth/me", token=token)).status == 401


async def test_bad_input_is_refused_without_being_repeated(replica: Any) -> None:
    for password in ("short-1", "\x00" * 12 + "hidden", "x" * 201):
        body = {"email": "no address", "password": password}
        answer = await replica.ask("POST", "/api/auth/register", json=body)
        assert answer.status == 422
        assert password not in answer.text
    unpaired = '{"email":"a@b.cc","password":"0123456789\\ud800"}'
    answer = await replica.ask(
        "POST", "/api/auth/register", data=unpaired, headers={"Content-Type": "application/json"}
    )
    assert answer.status == 422


async def test_the_language_of_letters_is_kept_with_the_account(replica: Any, rows: Any) -> None:
    for number, language in enumerate(("", "de", "pt-BR")):
        body = {"email": f"ann{number}@example.com", "password": "a long password", "language": language}
        assert (await replica.ask("POST", "/api/auth/register", json=body)).status == 201
    assert rows("SELECT language FROM users ORDER BY email") == [("",), ("de",), ("pt-BR",)]
    for wrong in ("de\r\nBcc: x", "d", "german words", "de-" + "x" * 40, "de\n"):
        body = {"email": "eve@example.com", "password": "a long password", "language": wrong}
        assert (await replica.ask("POST", "/api/auth/register", json=body)).status == 422


async def test_an_odd_token_is_401(replica: Any) -> None:
    for token in ("nonsense", "\u00e9\u00e9", "x" * 4000):
        assert (await replica.ask("GET", "/api/auth/me", token=token)).status == 401
