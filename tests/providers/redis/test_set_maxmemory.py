from __future__ import annotations

from typing import Any

import pytest
from redis import Redis
from redis.exceptions import OutOfMemoryError

from hutch.model.action import Result, Verified
from hutch.model.effect import Effect
from hutch.ports import Action, Connection
from rolerabbit.embedded.valkey import Valkey

MIB = 1024 * 1024
LIMIT = 8 * MIB
RAISE = {"bytes": 16 * MIB, "from": LIMIT}


def action(connection: Connection) -> Action:
    return connection.actions["redis.set_maxmemory"]


def limit_of(admin: Redis) -> int:
    return int(admin.config_get("maxmemory")["maxmemory"])


def fill(admin: Redis) -> None:
    with pytest.raises(OutOfMemoryError):
        for n in range(10_000):
            admin.set(f"export:{n}", b"x" * 50_000)


async def test_a_full_memory_gets_room_and_gives_it_back(target: Any, admin: Redis) -> None:
    fill(admin)
    async with target() as connection:
        more = action(connection)
        preview = await more.preview(RAISE)
        assert (more.effect, preview.hits, preview.refused) == (Effect.CHANGE, 1, "")
        assert preview.summary.startswith("set maxmemory from 8.0 MiB to 16.0 MiB; ")
        assert (await more.verify(RAISE)).verdict is Verified.FAILED
        outcome = await more.apply(RAISE)
        assert (outcome.result, outcome.hits, limit_of(admin)) == (Result.DONE, 1, 16 * MIB)
        assert (await more.verify(RAISE)).verdict is Verified.PASSED
        admin.set("export:one-more", b"x" * 50_000)
        undo: Any = outcome.undo
        assert undo["action"] == "redis.set_maxmemory"
        assert (await more.apply(undo["args"])).result is Result.DONE
    assert limit_of(admin) == LIMIT


async def test_done_twice_it_is_done_once(target: Any, admin: Redis) -> None:
    async with target() as connection:
        more = action(connection)
        assert (await more.apply(RAISE)).hits == 1
        again = await more.apply(RAISE)
        assert (again.result, again.hits, (await more.preview(RAISE)).hits) == (Result.DONE, 0, 0)


async def test_another_limit_than_approved_is_left_alone(target: Any, admin: Redis) -> None:
    admin.config_set("maxmemory", 9 * MIB)
    async with target() as connection:
        assert "look again" in (await action(connection).preview(RAISE)).refused
        assert (await action(connection).apply(RAISE)).result is Result.FAILED
    assert limit_of(admin) == 9 * MIB


async def test_the_machines_memory_bounds_it(target: Any, admin: Redis) -> None:
    total = int(admin.info("memory")["total_system_memory"])
    async with target(memory_share=50.0) as connection:
        for wanted, refused in ((total // 2 + 1, "more than 50 %"), (0, "without a limit")):
            args = {"bytes": wanted, "from": LIMIT}
            assert refused in (await action(connection).preview(args)).refused
            assert (await action(connection).apply(args)).result is Result.FAILED
    assert limit_of(admin) == LIMIT


async def test_a_lower_limit_never_evicts(target: Any, admin: Redis) -> None:
    admin.config_set("maxmemory-policy", "allkeys-lru")
    for n in range(50):
        admin.set(f"page:{n}", b"x" * 100_000)
    args = {"bytes": 2 * MIB, "from": LIMIT}
    async with target() as connection:
        assert "would evict keys" in (await action(connection).preview(args)).refused
        assert (await action(connection).apply(args)).result is Result.FAILED
    assert admin.dbsize() == 50


@pytest.mark.parametrize("args", [{}, {"bytes": "lots", "from": LIMIT}, {"bytes": True, "from": LIMIT}, {"bytes": -1}])
async def test_arguments_that_say_nothing(target: Any, args: dict[str, object]) -> None:
    async with target() as connection:
        assert "must be a number of bytes" in (await action(connection).preview(args)).refused
        assert (await action(connection).apply(args)).result is Result.FAILED
        assert (await action(connection).verify(args)).verdict is Verified.UNKNOWN


async def test_changes_go_by_their_own_login(valkey: Valkey, target: Any, admin: Redis) -> None:
    for name, rights in (("watcher", ("+@read", "+ping", "+info")), ("operator", ("+config", "+info"))):
        admin.execute_command("ACL", "SETUSER", name, "on", f">{name}-word", "~*", *rights)
    reading, changing = (valkey.url.replace("//", f"//{name}:{name}-word@") for name in ("watcher", "operator"))
    async with target(reading) as connection:
        assert "give operator_url" in (await action(connection).preview(RAISE)).refused
        outcome = await action(connection).apply(RAISE)
        assert outcome.result is Result.FAILED
        assert "no permissions" in outcome.summary
    async with target(reading, operator_url=changing) as connection:
        assert (await action(connection).preview(RAISE)).refused == ""
        assert (await action(connection).apply(RAISE)).result is Result.DONE
    assert limit_of(admin) == 16 * MIB


async def test_a_server_that_is_gone(valkey: Valkey, target: Any) -> None:
    valkey.stop()
    async with target() as connection:
        assert "Connect call failed" in (await action(connection).preview(RAISE)).refused
        outcome = await action(connection).apply(RAISE)
        assert (outcome.result, outcome.recoverable) == (Result.FAILED, True)
        assert (await action(connection).verify(RAISE)).verdict is Verified.UNKNOWN
