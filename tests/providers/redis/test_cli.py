from __future__ import annotations

import shlex
from typing import Any

import pytest
from redis import Redis

from hutch.model.action import Command, Outcome, Result
from hutch.model.effect import Effect
from hutch.ports import Connection
from rolerabbit.embedded.valkey import Valkey


async def run(connection: Connection, text: str, effect: Effect = Effect.READ, timeout: float = 5.0) -> Outcome:
    argv = shlex.split(text)
    command = Command(argv[0], text, connection.target, effect, args={"argv": argv}, timeout=timeout)
    return await connection.runs[argv[0]](command)


async def test_the_documents_ping(target: Any) -> None:
    async with target() as connection:
        outcome = await run(connection, "redis-cli ping")
    assert (outcome.result, outcome.summary, outcome.output, outcome.exit_code) == (Result.DONE, "PONG", "PONG", 0)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("redis-cli PING hello", '"hello"'),
        ("redis-cli get title", '"a \\"b\\" \\xc3é"'),
        ("redis-cli --raw llen board", "3"),
        ("redis-cli llen board", "(integer) 3"),
        ("redis-cli lrange board 0 -1", '1) "one"\n2) "two"\n3) "three"'),
        ("redis-cli --raw lrange board 0 -1", "one\ntwo\nthree"),
        ("redis-cli lrange nothing 0 -1", "(empty array)"),
        ("redis-cli get nothing", "(nil)"),
        ("redis-cli type board", "list"),
        ("redis-cli -n 1 dbsize", "(integer) 0"),
        ("redis-cli -h elsewhere.example.com -p 1 -s /no/where --tls dbsize", "(integer) 2"),
        ("valkey-cli config get maxmemory-policy", '1) "maxmemory-policy"\n2) "noeviction"'),
        ("redis-cli -u redis://elsewhere.example.com:1/0 dbsize", "(integer) 2"),
    ],
)
async def test_answers_as_redis_cli_shows_them(target: Any, admin: Redis, text: str, shown: str) -> None:
    admin.set("title", b'a "b" \xc3\xc3\xa9')
    admin.rpush("board", "one", "two", "three")
    async with target() as connection:
        outcome = await run(connection, text)
    assert (outcome.result, outcome.output) == (Result.DONE, shown)


async def test_text_answers_stay_text(target: Any) -> None:
    async with target() as connection:
        info = await run(connection, "redis-cli INFO memory")
        clients = await run(connection, "redis-cli client list")
    assert info.output.startswith("# Memory\nused_memory:")
    assert clients.output.startswith("id=")


async def test_what_the_server_refuses_failed(target: Any, admin: Redis) -> None:
    admin.set("title", "x")
    async with target() as connection:
        outcome = await run(connection, "redis-cli llen title")
        unknown = await run(connection, "redis-cli nosuch")
    assert (outcome.result, outcome.exit_code) == (Result.FAILED, 1)
    assert outcome.output.startswith("(error) WRONGTYPE ")
    assert unknown.output.startswith("(error) ERR unknown command 'nosuch'")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("redis-cli -a the-word ping", "a password in a command line"),
        ("redis-cli --pass the-word ping", "a password in a command line"),
        ("redis-cli --pass=the-word ping", "a password in a command line"),
        ("redis-cli -u redis://app:the-word@127.0.0.1:6379 ping", "a password in a command line"),
        ("redis-cli auth the-word", "a log-in is not part"),
        ("redis-cli monitor", "never ends"),
        ("redis-cli --bigkeys", "does not run here"),
        ("redis-cli --eval script.lua", "does not run here"),
        ("redis-cli -x set title", "does not run here"),
        ("redis-cli", "give redis-cli a command"),
        ("redis-cli -n many ping", "needs the number"),
        ("redis-cli -n", "needs a value"),
    ],
)
async def test_what_does_not_run_says_why(target: Any, text: str, said: str) -> None:
    async with target() as connection:
        outcome = await run(connection, text)
    assert (outcome.result, said in outcome.summary) == (Result.FAILED, True)
    assert "the-word" not in repr(outcome)


async def test_a_write_is_no_read_whatever_it_was_taken_for(target: Any, admin: Redis) -> None:
    admin.set("title", "kept")
    async with target() as connection:
        for text in ("redis-cli flushall", "redis-cli -n 0 set title other", "redis-cli DEL title"):
            outcome = await run(connection, text)
            assert (outcome.result, "writes" in outcome.summary) == (Result.FAILED, True)
        assert admin.get("title") == b"kept"
        assert (await run(connection, "redis-cli del title", Effect.CHANGE)).output == "(integer) 1"
    assert admin.get("title") is None


async def test_reads_and_changes_go_by_their_logins(valkey: Valkey, target: Any, admin: Redis) -> None:
    for name, rights in (("watcher", ("+@read", "+ping", "+command")), ("operator", ("+set",))):
        admin.execute_command("ACL", "SETUSER", name, "on", f">{name}-word", "~*", *rights)
    reading, changing = (valkey.url.replace("//", f"//{name}:{name}-word@") for name in ("watcher", "operator"))
    async with target(reading, operator_url=changing) as connection:
        assert (await run(connection, "redis-cli get title")).output == "(nil)"
        assert (await run(connection, "redis-cli set title x", Effect.CHANGE)).output == "OK"
        denied = await run(connection, "redis-cli config get maxmemory")
    assert denied.output.startswith("(error) NOPERM")


async def test_a_command_that_takes_too_long(target: Any) -> None:
    async with target() as connection:
        slow = "redis-cli blpop nothing 0"
        read = await run(connection, slow, timeout=0.2)
        change = await run(connection, slow, Effect.CHANGE, timeout=0.2)
        assert (await run(connection, "redis-cli ping")).output == "PONG"
    assert (read.result, change.result) == (Result.FAILED, Result.UNKNOWN)
    assert "no answer within 0.2 s" in change.summary


async def test_without_a_server(valkey: Valkey, target: Any) -> None:
    valkey.stop()
    async with target() as connection:
        outcome = await run(connection, "redis-cli ping")
    assert (outcome.result, outcome.recoverable, "Connect call failed" in outcome.summary) == (
        Result.FAILED,
        True,
        True,
    )
