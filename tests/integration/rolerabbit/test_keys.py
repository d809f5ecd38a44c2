"""Sessions, API tokens and sealed profiles, while their keys are replaced; and the notices that go out by mail."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncIterator, Callable
from typing import Any

import psycopg
import pytest
from aiosmtpd.smtp import SMTP
from click.testing import CliRunner

from rolerabbit import profiles
from rolerabbit.cli import cli
from rolerabbit.keys import Ring, Vault

PASSWORD = "a long password"
HOME = {"phone": "+1 555 0100", "address": "Elm Street 1\nSpringfield"}


def both(new: Ring, old: Ring) -> Ring:
    return Ring({**new.keys, **old.keys})


async def status(replica: Any, token: str) -> int:
    found: int = (await replica.ask("GET", "/api/auth/me", token=token)).status
    return found


async def log_in(replica: Any, email: str = "ann@example.com") -> str:
    token: str = (await replica.ask("POST", "/api/auth/login", json={"email": email, "password": PASSWORD})).json[
        "token"
    ]
    return token


async def test_a_new_key_signs_both_verify_and_with_the_old_key_its_tokens_go(
    database_url: str, start_replica: Any, rows: Any
) -> None:
    old, new = Ring.fresh(), Ring.fresh()
    async with start_replica(database_url, jwt_keys=old) as replica:
        before = await replica.new_user("ann@example.com")
    async with start_replica(database_url, jwt_keys=both(new, old)) as replica:
        after = await log_in(replica)
        assert [await status(replica, before), await status(replica, after)] == [200, 200]
    async with start_replica(database_url, jwt_keys=new) as replica:
        assert [await status(replica, before), await status(replica, after)] == [401, 200]
        assert rows("SELECT count(*) FROM user_sessions WHERE revoked_at IS NULL") == [(2,)]
        rows("UPDATE user_sessions SET revoked_at = now()")
        assert await status(replica, after) == 401
        assert await status(replica, await log_in(replica)) == 200


async def test_sessions_are_listed_and_ended_by_their_owner_alone(replica: Any, rows: Any) -> None:
    first, bob = await replica.new_user("ann@example.com"), await replica.new_user("bob@example.com")
    second = await log_in(replica)
    made = await replica.ask("POST", "/api/account/tokens", token=second, json={"label": "nightly job"})
    assert made.status == 201
    listed = (await replica.ask("GET", "/api/account/sessions", token=second)).json
    assert [(s["kind"], s["label"], s["current"]) for s in listed] == [
        ("api", "nightly job", False), ("session", "", True), ("session", "", False),
    ]  # fmt: skip
    assert made.json["token"] not in str(listed)
    path = f"/api/account/sessions/{listed[0]['id']}"
    assert (await replica.ask("DELETE", path, token=bob)).status == 404
    assert await status(replica, made.json["token"]) == 200
    assert (await replica.ask("DELETE", path, token=first)).status == 204
    assert (await replica.ask("DELETE", path, token=first)).status == 404
    assert [await status(replica, made.json["token"]), await status(replica, first)] == [401, 200]
    assert rows("SELECT count(*), count(revoked_at) FROM user_sessions WHERE kind = 'api'") == [(1, 1)]
    actions = rows("SELECT action FROM audit_logs WHERE action IN ('token.created', 'session.revoked') ORDER BY id")
    assert actions == [("token.created",), ("session.revoked",)]


async def test_a_profile_is_sealed_in_the_database_and_whole_in_the_export(replica: Any, rows: Any) -> None:
    token = await replica.new_user("ann@example.com")
    assert (await replica.ask("GET", "/api/account/profile", token=token)).json == {"phone": "", "address": ""}
    assert (await replica.ask("PUT", "/api/account/profile", token=token, json=HOME)).status == 204
    assert (await replica.ask("GET", "/api/account/profile", token=token)).json == HOME
    assert (await replica.ask("GET", "/api/account/export", token=token)).json["profile"] == HOME
    assert rows("SELECT count(*) FROM user_profiles t WHERE t::text LIKE '%%Elm%%' OR t::text LIKE '%%0100%%'") == [
        (0,)
    ]
    assert rows("SELECT count(*) FROM audit_logs t WHERE t::text LIKE '%%Elm%%'") == [(0,)]


async def test_profiles_are_sealed_anew_in_the_background(database_url: str, start_replica: Any, rows: Any) -> None:
    old, new, lost = Ring.fresh(), Ring.fresh(), Ring.fresh()
    people = [row[0] for row in rows("INSERT INTO users (email, password_hash) SELECT 'u'||n||'@example.com', 'x'"
                                     " FROM generate_series(1, 450) n RETURNING id")]  # fmt: skip
    with psycopg.connect(database_url) as connection, connection.cursor() as cursor:
        sealed = [
            (u, *Vault(old if n else lost).seal('{"phone": "1", "address": ""}', str(u))) for n, u in enumerate(people)
        ]
        cursor.executemany("INSERT INTO user_profiles (user_id, key_id, sealed) VALUES (%s, %s, %s)", sealed)
    wanted = {new.first: 449, lost.first: 1}
    async with start_replica(database_url, encryption_keys=both(new, old)), asyncio.timeout(30):
        while dict(rows("SELECT key_id, count(*) FROM user_profiles GROUP BY 1")) != wanted:
            await asyncio.sleep(0.05)
    done = CliRunner().invoke(cli, ["keys", "status"], env={"DATABASE_URL": database_url})
    assert all(f'"{id}": {count}' in done.output for id, count in wanted.items())
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        assert await profiles.read(connection, Vault(new), people[-1]) == profiles.Profile("1", "")


class Sink:
    """Takes every letter but those to `refused`."""

    def __init__(self, refused: str) -> None:
        self.letters: list[tuple[str, str]] = []
        self._refused = refused

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address == self._refused:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.letters.append((envelope.rcpt_tos[0], envelope.content.decode()))
        return "250 OK"


@pytest.fixture
async def sink() -> AsyncIterator[tuple[str, Sink]]:
    taken = Sink("gone@example.com")
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(taken), "127.0.0.1", 0)
    try:
        yield f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}", taken
    finally:
        server.close()
        await server.wait_closed()


async def test_owners_are_told_by_mail_and_a_bounce_holds_nobody_up(
    database_url: str, start_replica: Any, rows: Callable[..., Any], sink: tuple[str, Sink]
) -> None:
    proxies = (ipaddress.ip_network("127.0.0.1/32"),)
    async with start_replica(database_url, smtp_url=sink[0], trusted_proxies=proxies) as replica:
        token = await replica.new_user("ann@example.com")
        elsewhere = {"X-Forwarded-For": "198.18.0.7"}
        body = {"email": "ann@example.com", "password": PASSWORD}
        for _ in range(2):
            assert (await replica.ask("POST", "/api/auth/login", json=body, headers=elsewhere)).status == 200
        await replica.new_user("gone@example.com")
        gone = (await replica.ask("POST", "/api/auth/login", json={**body, "email": "gone@example.com"})).json["token"]
        await replica.ask("POST", "/api/account/tokens", token=gone, json={"label": "x"})
        await replica.ask("POST", "/api/account/tokens", token=token, json={"label": "x"})
        rows(
            "INSERT INTO outbox (recipient, subject, body) VALUES (%s, 'x', 'y')",
            "eve@example.com\r\nBcc: all@example.com",
        )
        async with asyncio.timeout(40):
            while rows("SELECT count(*) FROM outbox WHERE sent_at IS NULL AND attempts < 5") != [(0,)]:
                await asyncio.sleep(0.1)
    told = sorted(
        (to, next(line for line in text.splitlines() if line.startswith("Subject"))) for to, text in sink[1].letters
    )
    assert told == [
        ("ann@example.com", "Subject: A log-in from a new address"),
        ("ann@example.com", "Subject: A new API token"),
    ]
    failed = rows("SELECT failure FROM outbox WHERE sent_at IS NULL ORDER BY id")
    assert failed == [("SMTPRecipientsRefused",), ("ValueError",)]


async def test_without_its_key_a_replica_does_not_start() -> None:
    done = CliRunner().invoke(
        cli, ["serve", "--port", "1"], env={"DATABASE_URL": "postgresql://h/d", "RR_ENV": "production"}
    )
    assert done.exit_code == 2
    assert "JWT_KEYS is not set: make a key with `rolerabbit keys new`" in done.output
    made = CliRunner().invoke(cli, ["keys", "new"]).output.strip()
    assert list(Ring.parse(made).keys) == [made.partition(":")[0]]
