"""Faults of a cache that answers: what is wanted is evicted, one command holds all up, or it is full of clients."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

import redis

from rolerabbit.drills.cache import NOTE, Key, client_of, limit_of
from rolerabbit.drills.loop import Loop
from rolerabbit.drills.scene import Scene, Stand
from rolerabbit.drills.service import Service, wait_for

POLICY: Final = "maxmemory-policy"
CLIENTS: Final = "maxclients"
THUMB: Final = "drill:thumbnail:"
BOARD: Final = "drill:leaderboard"
QUEUE: Final = "drill:jobs"
CROWD: Final = "drill-importer"
SIZE: Final = 1 << 16
"""Bytes of one picture."""
MORE: Final = 1.4
"""The pictures that are looked up take this many times `maxmemory`: twice that would hold them."""
BATCH: Final = 20
BATCHES_PER_SECOND: Final = 20.0
SLOW_SECONDS: Final = 0.05
"""What the slow command must take at the least: five times what SLOWLOG calls slow by default."""
MEMBERS: Final = 40_000
"""Added to the board until its sorting is slow."""
SHARE: Final = 0.4
"""Of the server's time that goes into the slow command."""
FREE_CLIENTS: Final = 30
"""Clients that still fit when the fault begins."""
RETRY_SECONDS: Final = 0.3
ASK_SECONDS: Final = 5.0
STAND_SECONDS: Final = 40.0


@dataclass(frozen=True, slots=True)
class Worker:
    """A client that waits for work in a blocking command, as it should: it must stay connected."""

    id: int
    asks: redis.Redis = field(repr=False)
    """A client of its own, open since before: a full server takes no further one."""

    def as_json(self) -> dict[str, object]:
        """For the report."""
        return {"kind": "client", "id": str(self.id)}

    def lost(self, service: Service) -> bool:  # noqa: ARG002 - others have to be asked by a client of the service
        """Whether it was disconnected; so too where the server can't be asked."""
        try:
            return not self.asks.client_list(client_id=[str(self.id)])
        except redis.RedisError:
            return True


@contextmanager
def waiting_worker(service: Service) -> Iterator[Worker]:
    """One such client while the block lasts. Its command takes as long as there is no work, and holds nobody up."""
    url = service.url("redis_url")
    waiting = redis.Redis.from_url(url, single_connection_client=True, socket_timeout=None)
    asks = redis.Redis.from_url(url, single_connection_client=True, socket_timeout=ASK_SECONDS)
    worker = Worker(int(waiting.client_id()), asks)

    def wait() -> None:
        with suppress(redis.RedisError):
            waiting.blpop([QUEUE], timeout=0)

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    try:
        yield worker
    finally:
        with suppress(redis.RedisError):
            asks.client_kill_filter(_id=str(worker.id))
        thread.join(ASK_SECONDS)
        waiting.close()
        asks.close()


# ------------------------------------------------------------------ evicting what is asked for again


@contextmanager
def cache_too_small(scene: Scene) -> Iterator[Stand]:
    """Pictures that do not all fit are looked up in turn: each that is stored pushes out one that is wanted next."""
    service = scene.service
    with client_of(service) as client:
        limit, note = limit_of(client), Key(NOTE, "kept by hand")
        _may_evict(scene, client)
        client.set(note.name, note.value)
        gallery = Gallery(service, int(MORE * limit / SIZE))
        with closing(Loop(gallery.turn, lambda: 0.0 if not gallery.full else 1 / BATCHES_PER_SECOND)):
            wait_for(lambda: gallery.full and _evicts(client), STAND_SECONDS, "pictures are evicted and missed")
            yield Stand(
                {"kind": "setting", "id": "maxmemory"},
                remedied=lambda: limit_of(client) > limit and not _evicts(client),
                protected=(note,),
                known={"maxmemory": limit, "policy": "volatile-lru", "keys": f"{THUMB}*"},
                counts=lambda: {"lookups": gallery.lookups, "misses": gallery.misses},
            )


@contextmanager
def cache_at_work(scene: Scene) -> Iterator[Stand]:
    """Pictures that nobody asks for again push out older ones, all the time: that is what a cache is for."""
    service = scene.service
    with client_of(service) as client:
        limit, note = limit_of(client), Key(NOTE, "kept by hand")
        _may_evict(scene, client)
        client.set(note.name, note.value)
        gallery = Gallery(service, int(10 * MORE * limit / SIZE), asks=False)
        with closing(Loop(gallery.turn, lambda: 0.0 if not gallery.full else 1 / BATCHES_PER_SECOND)):
            wait_for(lambda: gallery.full and _evicts(client), STAND_SECONDS, "pictures are evicted")
            yield Stand({}, protected=(note,), counts=lambda: {"stored": gallery.misses})


class Gallery:
    """Looks up pictures one batch after the other, round and round, and stores those that it does not find.

    With ``asks`` false it only stores: each number comes once in a long while.
    """

    def __init__(self, service: Service, pictures: int, asks: bool = True) -> None:
        self._client = client_of(service)
        self._pictures, self._asks, self._next = pictures, asks, 0
        self._evicted = _evicted(self._client)
        self.full = False
        self.lookups = self.misses = 0

    def turn(self) -> None:
        """One batch."""
        names = [f"{THUMB}{(self._next + i) % self._pictures}" for i in range(BATCH)]
        self._next = (self._next + BATCH) % self._pictures
        found = self._client.mget(names) if self._asks else [None] * BATCH
        lacking = [name for name, value in zip(names, found, strict=True) if value is None]
        pipe = self._client.pipeline(transaction=False)
        for name in lacking:
            pipe.set(name, b"p" * SIZE, ex=3600)
        pipe.execute()
        self.lookups += BATCH if self._asks else 0
        self.misses += len(lacking)
        self.full = self.full or _evicted(self._client) > self._evicted


def _may_evict(scene: Scene, client: redis.Redis) -> None:
    """Let the server evict what has an end; what it keeps without one stays."""
    before = {name: client.config_get(name)[name] for name in ("maxmemory", POLICY)}
    scene.will_undo("cache_settings", settings=before, keys=[f"{THUMB}*", NOTE])
    client.config_set(POLICY, "volatile-lru")


def _evicted(client: redis.Redis) -> int:
    return int(client.info("stats")["evicted_keys"])


def _evicts(client: redis.Redis) -> bool:
    """Whether keys are evicted within a second."""
    before = _evicted(client)
    time.sleep(1.0)
    return _evicted(client) > before


# ------------------------------------------------------------------ a slow command


@contextmanager
def slow_command(scene: Scene) -> Iterator[Stand]:
    """A page of winners is made by sorting a long list anew for each visitor: everybody else waits meanwhile."""
    service = scene.service
    with client_of(service) as client, waiting_worker(service) as worker:
        scene.will_undo("cache_settings", settings={}, keys=[BOARD])
        wait_for(lambda: _grown_slow(client, scene), STAND_SECONDS, f"sorting {BOARD} is slow")
        sorter = Sorter(service)
        with closing(Loop(sorter.turn, lambda: sorter.took * (1 - SHARE) / SHARE)):
            wait_for(lambda: sorter.turns > 1, STAND_SECONDS, "the list is sorted again and again")
            yield Stand(
                {"kind": "key", "id": BOARD},
                protected=(worker,),
                known={"command": "SORT", "waiting": worker.id},
                counts=lambda: {"sorted": sorter.turns},
            )


class Sorter:
    """Sorts the list, and knows how long that took."""

    def __init__(self, service: Service) -> None:
        self._client = client_of(service)
        self.turns, self.took = 0, 0.0

    def turn(self) -> None:
        """Once."""
        self.took = sorting(self._client)
        self.turns += 1


def sorting(client: redis.Redis) -> float:
    """Seconds that one sorting takes."""
    began = time.monotonic()
    client.sort(BOARD, start=0, num=10, alpha=True)
    return time.monotonic() - began


def _grown_slow(client: redis.Redis, scene: Scene) -> bool:
    """Whether sorting is slow, by the quickest of three; longer by some members where it is not."""
    if client.exists(BOARD) and min(sorting(client) for _ in range(3)) >= SLOW_SECONDS:
        return True
    client.rpush(BOARD, *(f"{scene.dice.getrandbits(40):010x}" for _ in range(MEMBERS)))
    return False


# ------------------------------------------------------------------ no client more


@contextmanager
def too_many_cache_clients(scene: Scene) -> Iterator[Stand]:
    """An importer opens a connection for each file and closes none, until the server turns everybody away."""
    service = scene.service
    with client_of(service) as client, waiting_worker(service) as worker, ExitStack() as stack:
        before, connected = client.config_get(CLIENTS)[CLIENTS], int(client.info("clients")["connected_clients"])
        scene.will_undo("cache_settings", settings={CLIENTS: before}, keys=[])
        client.config_set(CLIENTS, connected + FREE_CLIENTS)
        importer = Importer(service)
        stack.callback(importer.close)
        stack.enter_context(closing(Loop(importer.fill, lambda: RETRY_SECONDS)))
        wait_for(lambda: turned_away(service), STAND_SECONDS, "the server turns clients away")
        yield Stand(
            {"kind": "setting", "id": CLIENTS},
            protected=(worker,),
            known={"maxclients": connected + FREE_CLIENTS, "importer": CROWD},
            counts=lambda: {"opened": importer.opened},
        )


class Importer:
    """Opens clients until none is taken any more, and takes what gets free."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._held: list[redis.Redis] = []

    @property
    def opened(self) -> int:
        """How many it holds."""
        return len(self._held)

    def fill(self) -> None:
        """Until it is refused."""
        while True:
            one = redis.Redis.from_url(
                self._service.url("redis_url"), single_connection_client=True, client_name=CROWD, socket_timeout=5.0
            )
            one.ping()
            self._held.append(one)

    def close(self) -> None:
        """Close all."""
        for one in self._held:
            one.close()


def turned_away(service: Service) -> bool:
    """Whether a new client is refused."""
    try:
        with client_of(service) as client:
            client.ping()
    except redis.RedisError as error:
        return "max number of clients" in str(error)
    return False


def undo_cache_settings(service: Service, step: Mapping[str, Any]) -> None:
    """Without the keys of the fault, and with the settings as they were."""
    with client_of(service) as client:
        for pattern in step["keys"]:
            for key in list(client.scan_iter(pattern, count=1000)):
                client.unlink(key)
        for name, value in step["settings"].items():
            client.config_set(name, value)
