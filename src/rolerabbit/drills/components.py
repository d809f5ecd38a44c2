"""Faults in which a server beside the service is down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlsplit

import psycopg
import redis

from rolerabbit.drills.scene import Scene, Stand
from rolerabbit.drills.service import Service, wait_for

STAND_SECONDS: Final = 15.0


@contextmanager
def postgres_stopped(scene: Scene) -> Iterator[Stand]:
    """The database server is stopped: nobody listens at its address."""
    service = scene.service
    stop(scene, "postgres")
    wait_for(lambda: not _postgres_answers(service), STAND_SECONDS, "Postgres refuses connections")
    wait_for(lambda: service.ask("GET", "/api/health").status != 200, STAND_SECONDS, "the service is unhealthy")
    place = urlsplit(service.url("database_url"))
    yield Stand({"kind": "database", "id": place.path.lstrip("/")}, remedied=lambda: runs(service, "postgres"))


@contextmanager
def redis_stopped(scene: Scene) -> Iterator[Stand]:
    """The cache is stopped: nobody listens at its address."""
    service = scene.service
    place = urlsplit(service.url("redis_url"))
    stop(scene, "redis")
    wait_for(lambda: not _redis_answers(service), STAND_SECONDS, "Redis refuses connections")
    yield Stand(
        {"kind": "host", "id": f"{place.hostname}:{place.port}"},
        remedied=lambda: runs(service, "redis"),
        known={"accept": [{"kind": "host", "id": place.hostname}]},
    )


def stop(scene: Scene, name: str) -> None:
    """Stop a server on purpose, with its start on record."""
    scene.will_undo("component", name=name)
    scene.service.platform.post(f"/components/{name}/stop")


def undo_component(service: Service, step: Mapping[str, Any]) -> None:
    """Start the server unless it runs."""
    if not runs(service, step["name"]):
        service.platform.post(f"/components/{step['name']}/start")


def runs(service: Service, name: str) -> bool:
    """Whether the platform says that the server runs."""
    return bool(service.status()["components"][name]["running"])


def _postgres_answers(service: Service) -> bool:
    try:
        service.connect("superuser", "rolerabbit-fault").close()
    except psycopg.OperationalError:
        return False
    return True


def _redis_answers(service: Service) -> bool:
    try:
        with redis.Redis.from_url(service.url("redis_url"), socket_timeout=2.0) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False
