"""A fault in which the cache is full and refuses to store anything."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

import redis

from rolerabbit.drills.errors import FaultError
from rolerabbit.drills.scene import Scene, Stand
from rolerabbit.drills.service import Service, wait_for

JUNK: Final = "report:scratch:"
NOTE: Final = "rolerabbit:maintenance-note"
SIZES: Final = (1 << 20, 1 << 16, 1 << 10, 16)
"""Bytes of one value: big ones until none fits any more, then smaller ones into what is left."""
REFILL_SECONDS: Final = 0.3
STAND_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Key:
    """A key that must stay as it is."""

    name: str
    value: str

    def as_json(self) -> dict[str, object]:
        """For the report."""
        return {"kind": "key", "id": self.name}

    def lost(self, service: Service) -> bool:
        """Whether it is gone or another."""
        try:
            with client_of(service) as client:
                return bool(client.get(self.name) != self.value.encode())
        except redis.RedisError:
            return True


class Writer:
    """Stores junk that never expires until nothing fits, and fills what gets free; gives up at a new ``maxmemory``."""

    def __init__(self, service: Service) -> None:
        self._client = client_of(service)
        self.limit = limit_of(self._client)
        self._numbers = count()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep_full, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop writing; the junk stays."""
        self._stop.set()
        self._thread.join()
        self._client.close()

    def _keep_full(self) -> None:
        while not self._stop.wait(REFILL_SECONDS if next(self._numbers) else 0.0):
            try:
                if limit_of(self._client) != self.limit:
                    return
                for size in SIZES:
                    self._fill(b"x" * size)
            except redis.ConnectionError:
                continue

    def _fill(self, value: bytes) -> None:
        try:
            while not self._stop.is_set():
                self._client.set(f"{JUNK}{next(self._numbers)}", value)
        except redis.OutOfMemoryError:
            return


@contextmanager
def redis_full(scene: Scene) -> Iterator[Stand]:
    """A writer stores junk without an end until Redis, which may evict nothing, refuses every write."""
    service = scene.service
    with client_of(service) as client:
        _check(client)
        note = Key(NOTE, "kept by hand")
        limit = limit_of(client)
        scene.will_undo("junk", maxmemory=limit)
        client.set(note.name, note.value)
        with closing(Writer(service)):
            wait_for(lambda: not takes_writes(client), STAND_SECONDS, "Redis refuses writes")
            yield Stand(
                {"kind": "setting", "id": "maxmemory"},
                remedied=lambda: has_room(client, limit),
                protected=(note,),
                known={"maxmemory": limit, "junk": f"{JUNK}*"},
                counts=lambda: {"junk_keys": len(junk(client))},
            )


def undo_junk(service: Service, step: Mapping[str, Any]) -> None:
    """Delete the junk and our note, nothing else; ``maxmemory`` as before."""
    with client_of(service) as client:
        for key in (*junk(client), NOTE):
            client.unlink(key)
        if limit_of(client) != step["maxmemory"]:
            client.config_set("maxmemory", step["maxmemory"])


def client_of(service: Service) -> redis.Redis:
    """A client of the platform's Redis."""
    return redis.Redis.from_url(service.url("redis_url"), socket_timeout=5.0, socket_connect_timeout=2.0)


def limit_of(client: redis.Redis) -> int:
    """`maxmemory` in bytes."""
    return int(client.config_get("maxmemory")["maxmemory"] or 0)


def takes_writes(client: redis.Redis) -> bool:
    """Whether a small value can be stored."""
    try:
        client.set(f"{JUNK}probe", "x", ex=1)
    except redis.OutOfMemoryError:
        return False
    return True


def has_room(client: redis.Redis, limit: int) -> bool:
    """Whether something was done: a new limit or hardly any junk, and writes are taken.

    A write alone proves nothing: a few bytes get free by themselves at any moment.
    """
    return (limit_of(client) != limit or len(junk(client)) < limit // SIZES[0] // 2) and takes_writes(client)


def junk(client: redis.Redis) -> list[bytes]:
    """The keys that the writer has stored."""
    return list(client.scan_iter(f"{JUNK}*", count=1000))


def _check(client: redis.Redis) -> None:
    policy = client.config_get("maxmemory-policy")["maxmemory-policy"]
    if policy != "noeviction" or not limit_of(client):
        raise FaultError(f"Redis has the policy {policy} and a limit of {limit_of(client)}: it can't be full")
