from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import OutOfMemoryError, RedisError

from hutch.model.finding import Cause, Finding, Status
from hutch.ports import Connection
from hutch.providers.redis import provider
from rolerabbit.embedded.valkey import Valkey

LIMIT = 8 * 1024 * 1024


async def looked(connection: Connection) -> dict[str, Finding]:
    findings = await asyncio.gather(*(check() for check in connection.checks.values()))
    return {finding.check: finding for finding in findings}


async def causes_of(connection: Connection) -> list[Cause]:
    return list(provider.explain(list((await looked(connection)).values())))


@contextlib.contextmanager
def meanwhile(work: Callable[[], object]) -> Iterator[None]:
    """``work`` again and again in a thread, its refusals ignored, until the block is left."""
    stop = threading.Event()

    def loop() -> None:
        while not stop.is_set():
            with contextlib.suppress(RedisError):
                work()
            stop.wait(0.002)

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def fill(admin: Redis, prefix: str = "export", size: int = 50_000) -> None:
    """Write until the server refuses."""
    with pytest.raises(OutOfMemoryError):
        for n in range(10_000):
            admin.set(f"{prefix}:{n}", b"x" * size)


# ------------------------------------------------------------------ health


async def test_an_idle_server_is_healthy(target: Any, kind: str) -> None:
    async with target() as connection:
        findings = await looked(connection)
    assert {name: f.status for name, f in findings.items()} == dict.fromkeys(findings, Status.OK)
    assert provider.explain(list(findings.values())) == []
    assert findings["redis.reachable"].data["kind"] == kind


async def test_a_cache_that_evicts_on_purpose_is_healthy(target: Any, admin: Redis) -> None:
    admin.config_set("maxmemory-policy", "allkeys-lru")
    for n in range(1000):
        admin.set(f"page:{n}", b"x" * 20_000)
    assert admin.info("stats")["evicted_keys"] > 0
    newest = iter(range(1000, 10**9))

    def serve() -> None:
        n = next(newest)
        admin.set(f"page:{n}", b"x" * 20_000)
        for _ in range(5):
            admin.get(f"page:{n}")

    with meanwhile(serve):
        async with target() as connection:
            findings = await looked(connection)
    assert findings["redis.memory"].data["evicted"] > 0  # type: ignore[operator]
    assert provider.explain(list(findings.values())) == []
    assert findings["redis.memory"].status is Status.OK


async def test_memory_at_85_percent_without_refused_writes_is_healthy(target: Any, admin: Redis) -> None:
    while admin.info("memory")["used_memory"] < 0.85 * LIMIT:
        admin.set(f"page:{admin.dbsize()}", b"x" * 20_000)
    with meanwhile(lambda: admin.set("page:0", b"x" * 10_000)):
        async with target() as connection:
            findings = await looked(connection)
    assert findings["redis.memory"].status is Status.WARN
    assert provider.explain(list(findings.values())) == []


async def test_a_save_that_is_over_is_no_trouble(target: Any, admin: Redis) -> None:
    for n in range(300):
        admin.set(f"page:{n}", b"x" * 10_000)
    admin.bgsave()
    while admin.info("persistence")["rdb_bgsave_in_progress"]:
        time.sleep(0.05)
    async with target() as connection:
        assert await causes_of(connection) == []


async def test_refused_writes_of_long_ago_are_no_trouble(target: Any, admin: Redis) -> None:
    fill(admin)
    admin.flushall()
    async with target() as connection:
        assert await causes_of(connection) == []


# ------------------------------------------------------------------ unreachable


async def test_a_stopped_server(valkey: Valkey, target: Any) -> None:
    async with target() as connection:
        assert await causes_of(connection) == []
        valkey.stop()
        [cause] = await causes_of(connection)
    where = f"127.0.0.1:{valkey.port}"
    assert (cause.code, cause.object.kind, cause.object.id) == ("redis.unreachable", "host", where)
    [remedy] = cause.remedies
    assert (remedy.action, dict(remedy.args)) == ("service.restart", {"component": "redis"})
    assert "Connect call failed" in " ".join(cause.evidence)


async def test_a_server_that_hangs_is_told_from_one_that_is_gone(valkey: Valkey, target: Any) -> None:
    async with target() as connection:
        await looked(connection)
        os.kill(valkey.pid, signal.SIGSTOP)
        started = time.monotonic()
        try:
            findings = await looked(connection)
        finally:
            os.kill(valkey.pid, signal.SIGCONT)
        took = time.monotonic() - started
        [cause] = provider.explain(list(findings.values()))
        again = await looked(connection)
    assert (cause.code, cause.object.kind) == ("redis.unreachable", "host")
    assert "no answer within 1 s" in cause.evidence[0]
    assert [r.action for r in cause.remedies] == ["service.restart"]
    assert took < 10  # the four checks wait once, not one after the other
    assert again["redis.reachable"].status is Status.OK


async def test_somebody_listens_who_never_answers(target: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        async with target(f"redis://:hidden-word@127.0.0.1:{silent.getsockname()[1]}/0", timeout=0.3) as connection:
            [cause] = await causes_of(connection)
    assert (cause.code, "no answer" in cause.evidence[0]) == ("redis.unreachable", True)
    assert "hidden-word" not in repr(cause)


async def test_tls_to_a_server_without_it(valkey: Valkey, target: Any) -> None:
    async with target(valkey.url.replace("redis://", "rediss://:hidden-word@")) as connection:
        [cause] = await causes_of(connection)
    assert cause.code == "redis.unreachable"
    assert "hidden-word" not in repr(cause)


async def test_a_name_that_does_not_exist(target: Any) -> None:
    async with target("redis://no-such-host.invalid:6379/0") as connection:
        [cause] = await causes_of(connection)
    assert (cause.code, cause.object.id) == ("redis.unreachable", "no-such-host.invalid:6379")


async def test_a_socket_of_this_machine(valkey: Valkey, opened: Any) -> None:
    place = valkey.log_path.parent / "redis.sock"
    with Valkey.temporary(unixsocket=str(place), unixsocketperm="777"):
        async with opened(f"unix://{place}") as connection:
            assert connection.target == str(place)
            assert await causes_of(connection) == []


async def test_a_wrong_password_is_told_and_a_restart_is_not_offered(valkey: Valkey, admin: Redis, target: Any) -> None:
    admin.config_set("requirepass", "the-right-word")
    right = valkey.url.replace("redis://", "redis://:the-right-word@")
    wrong = valkey.url.replace("redis://", "redis://:the-wrong-word@")
    for url, healthy in ((right, True), (wrong, False), (valkey.url, False)):
        async with target(url) as connection:
            findings = await looked(connection)
        causes = provider.explain(list(findings.values()))
        assert [c.code for c in causes] == ([] if healthy else ["redis.unreachable"])
        assert all("the login is refused" in c.evidence[0] and not c.remedies for c in causes)
        assert "-word" not in repr((findings, causes))


async def test_a_server_that_loads_its_data_is_left_to_it(opened: Any) -> None:
    with (
        Valkey.temporary(**{"enable-debug-command": "local"}) as server,
        Redis.from_url(server.url, socket_timeout=60) as admin,
    ):
        admin.config_set("key-load-delay", 2000)
        admin.config_set("loading-process-events-interval-bytes", 1024)
        for n in range(1500):
            admin.set(f"page:{n}", b"x" * 100)
        async with opened(server.url, timeout=5.0) as connection:
            await looked(connection)
            loading = threading.Thread(target=lambda: admin.execute_command("DEBUG", "RELOAD"))
            loading.start()
            await asyncio.sleep(0.5)
            causes = await causes_of(connection)
            loading.join()
    assert [c.code for c in causes] == ["redis.unreachable"]
    assert ("loading its data" in causes[0].evidence[0], causes[0].remedies) == (True, ())


async def test_a_restarted_server_is_read_again(valkey: Valkey, opened: Any) -> None:
    async with opened(valkey.url) as connection:
        await looked(connection)
        valkey.stop()
        again = Valkey(valkey.log_path.parent, port=valkey.port)
        again.start()
        try:
            findings = await looked(connection)
        finally:
            again.stop()
    assert {f.status for f in findings.values()} == {Status.OK}


# ------------------------------------------------------------------ memory


async def test_a_full_memory_is_named_with_what_fills_it(target: Any, admin: Redis) -> None:
    admin.set("session:8f14e45fceea167a5a36dedd4bea2543", "private")
    fill(admin)
    with meanwhile(lambda: admin.set("export:one-more", b"x" * 50_000)):
        async with target() as connection:
            [cause] = await causes_of(connection)
    assert (cause.code, cause.object.kind, cause.object.id) == ("redis.memory_full", "setting", "maxmemory")
    assert cause.object.detail == {"policy": "noeviction"}
    assert any(line.startswith("export:*") for line in cause.evidence)
    assert any("writes refused" in line for line in cause.evidence)
    assert "8f14e45f" not in repr(cause)
    [remedy] = cause.remedies
    assert (remedy.action, dict(remedy.args)) == ("redis.set_maxmemory", {"bytes": 2 * LIMIT, "from": LIMIT})


async def test_a_full_memory_that_nobody_writes_to_is_named_too(target: Any, admin: Redis) -> None:
    fill(admin, size=2_000)
    async with target() as connection:
        [cause] = await causes_of(connection)
    assert (cause.code, cause.confidence) == ("redis.memory_full", 0.8)


async def test_evicting_what_is_asked_for_again_is_trouble(target: Any, admin: Redis) -> None:
    admin.config_set("maxmemory-policy", "allkeys-random")
    everything = iter(range(10**9))

    def serve() -> None:
        page = f"page:{next(everything) % 5_000}"
        if admin.get(page) is None:
            admin.set(page, b"x" * 20_000)

    for _ in range(1000):
        serve()
    with meanwhile(serve):
        async with target(sample_gap=1.0) as connection:
            [cause] = await causes_of(connection)
    assert (cause.code, cause.object.id, cause.confidence) == ("redis.evicting", "maxmemory", 0.75)
    assert [r.action for r in cause.remedies] == ["redis.set_maxmemory"]


# ------------------------------------------------------------------ clients


@contextlib.contextmanager
def crowd(valkey: Valkey, admin: Redis) -> Iterator[None]:
    """As many clients as the server takes."""
    admin.config_set("maxclients", 20)
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(socket.create_connection(("127.0.0.1", valkey.port)))
        time.sleep(0.1)
        yield


async def test_a_server_without_room_for_clients_is_seen_through_the_warm_connection(
    valkey: Valkey, target: Any, admin: Redis
) -> None:
    async with target() as connection:
        await looked(connection)
        with crowd(valkey, admin):
            findings = await looked(connection)
    [cause] = provider.explain(list(findings.values()))
    assert (cause.code, cause.object.kind, cause.object.id) == ("redis.clients_exhausted", "setting", "maxclients")
    assert any("127.0.0.1 (no name)" in line for line in cause.evidence)


async def test_turned_away_itself_it_says_so(valkey: Valkey, target: Any, admin: Redis) -> None:
    with crowd(valkey, admin):
        async with target() as connection:
            [cause] = await causes_of(connection)
    assert (cause.code, cause.object.id) == ("redis.clients_exhausted", "maxclients")


# ------------------------------------------------------------------ slow commands


async def test_slow_commands_are_named_without_their_values(target: Any, admin: Redis) -> None:
    admin.rpush("board:weekly", *range(120_000))
    until = time.monotonic() + 1.5
    while time.monotonic() < until:
        admin.sort("board:weekly", by="nosuch-private:*", start=0, num=1, desc=True, alpha=True)
    async with target() as connection:
        [cause] = await causes_of(connection)
    assert (cause.code, cause.object.kind, cause.object.id) == ("redis.slow_command", "key", "board:weekly")
    assert cause.object.detail == {"command": "SORT"}
    assert "private" not in repr(cause)
    assert any("SORT" in line for line in cause.evidence)


async def test_a_command_without_a_key_is_the_hosts(target: Any, admin: Redis) -> None:
    admin.eval("for i = 1, 10000000 do end return 1", 0)
    async with target(slow_share=0.1) as connection:
        [cause] = await causes_of(connection)
    assert (cause.code, cause.object.kind) == ("redis.slow_command", "host")
    assert cause.object.detail == {"command": "EVAL"}


def _endless(admin: Redis) -> None:
    with contextlib.suppress(RedisError):
        admin.eval("while true do end", 0)


async def test_a_script_that_never_ends_is_slow_and_not_unreachable(target: Any, admin: Redis) -> None:
    admin.config_set("busy-reply-threshold", 100)
    endless = threading.Thread(target=_endless, args=[admin])
    async with target() as connection:
        await looked(connection)
        endless.start()
        await asyncio.sleep(0.5)
        try:
            [cause] = await causes_of(connection)
        finally:
            admin.script_kill()
            endless.join()
    assert (cause.code, cause.object.kind, cause.remedies) == ("redis.slow_command", "host", ())


async def test_one_slow_command_now_and_then_is_healthy(target: Any, admin: Redis) -> None:
    admin.eval("for i = 1, 3000000 do end return 1", 0)
    async with target() as connection:
        assert await causes_of(connection) == []


# ------------------------------------------------------------------ managed servers


async def test_a_login_that_may_not_look_is_told_what_it_misses(valkey: Valkey, target: Any, admin: Redis) -> None:
    admin.execute_command("ACL", "SETUSER", "watcher", "on", ">watcher-word", "+ping", "+info", "+time", "~*")
    url = valkey.url.replace("redis://", "redis://watcher:watcher-word@")
    async with target(url) as connection:
        findings = await looked(connection)
    assert {f.status for f in findings.values()} == {Status.OK}
    assert "SLOWLOG is closed" in findings["redis.slow"].reason
    assert "watcher-word" not in repr(findings)


async def test_without_info_nothing_can_be_told(valkey: Valkey, target: Any, admin: Redis) -> None:
    admin.execute_command("ACL", "SETUSER", "blind", "on", ">blind-word", "+ping")
    async with target(valkey.url.replace("redis://", "redis://blind:blind-word@")) as connection:
        findings = await looked(connection)
    assert findings["redis.memory"].status is Status.UNKNOWN
    assert provider.explain(list(findings.values())) == []


# ------------------------------------------------------------------ samples


async def test_samples(valkey: Valkey, target: Any) -> None:
    async with target() as connection:
        assert connection.scrape
        found = {s.name: (s.value, s.kind) for s in await connection.scrape()}
        valkey.stop()
        assert await connection.scrape() == []
    assert 0 < found["redis_memory_used"][0] < 100
    assert found["redis_clients"] == (1.0, "gauge")
    assert found["redis_refused_writes_total"] == (0.0, "counter")
