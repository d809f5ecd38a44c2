"""A fault in which the service is too small for what is asked of it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import cycle
from typing import Any, Final

from rolerabbit.drills.crowd import Crowd
from rolerabbit.drills.figures import figure
from rolerabbit.drills.scene import Scene, Stand
from rolerabbit.drills.security import watched
from rolerabbit.drills.service import Service, wait_for
from rolerabbit.drills.visitors import a_v4, log_in, people

WRITERS: Final = 40
"""Open editors for each connection that is left, each saving once a second."""
COMMIT_MICROSECONDS: Final = 60_000
"""What a commit takes: the database is far away, so a connection is held for long and costs no processor time."""
LONGEST_POOL: Final = 2
WAIT_SECONDS: Final = 0.3
STAND_SECONDS: Final = 40.0
USERS: Final = 40

_MINE: Final = """
SELECT DISTINCT ON (user_id) user_id::text, id::text, title, updated_at::text FROM portfolios
WHERE deleted_at IS NULL AND user_id = ANY(%s::uuid[]) ORDER BY user_id, id"""
_SLOW_COMMITS: Final = (
    f"ALTER ROLE rolerabbit_app SET commit_delay = {COMMIT_MICROSECONDS}",
    "ALTER ROLE rolerabbit_app SET commit_siblings = 0",
)
_USUAL_COMMITS: Final = (
    "ALTER ROLE rolerabbit_app RESET commit_delay",
    "ALTER ROLE rolerabbit_app RESET commit_siblings",
)
_AS_BEFORE: Final = """
UPDATE portfolios p SET updated_at = was.updated_at
FROM unnest(%s::uuid[], %s::timestamptz[]) AS was (id, updated_at) WHERE p.id = was.id"""


@contextmanager
def too_few_replicas(scene: Scene) -> Iterator[Stand]:
    """One replica with one connection or two is left, and the editors of many users save their work all the time."""
    service, pool = scene.service, scene.dice.randint(1, LONGEST_POOL)
    address = a_v4(scene.dice)
    watched(scene, address)
    writers = scene.dice.sample(people(service), USERS)
    mine = {row[0]: row[1:] for row in service.rows(_MINE, [writer.id for writer in writers])}
    saves = [
        (log_in(service, scene.dice, writer, address), *mine[writer.id][:2]) for writer in writers if writer.id in mine
    ]
    scene.will_undo("saved", rows=[(portfolio, at) for portfolio, _, at in mine.values()])
    _shrink(scene, pool)
    turns = cycle(saves)

    def save() -> str:
        token, portfolio, title = next(turns)
        path = f"/api/portfolios/{portfolio}"
        return str(service.ask("PATCH", path, {"title": title}, token=token, address=address).status)

    with closing(Crowd(WRITERS * pool, save, threads=WRITERS * pool)) as crowd:
        wait_for(lambda: waits(service) >= WAIT_SECONDS, STAND_SECONDS, "requests wait for a connection")
        yield Stand(
            {"kind": "service", "id": "rolerabbit"},
            remedied=lambda: _connections(service.status()) > 2 * LONGEST_POOL,
            known={"replicas": 1, "pool_size": pool},
            counts=lambda: {f"answered_{status}": count for status, count in crowd.counts.items()},
        )


def waits(service: Service) -> float:
    """Seconds that requests of the last second waited for a connection, on average; 0 where none waits now."""
    before = _waiting(service)
    time.sleep(1.0)
    after = _waiting(service)
    if not after[2] or after[0] <= before[0]:
        return 0.0
    return (after[1] - before[1]) / (after[0] - before[0])


def undo_scale(service: Service, step: Mapping[str, Any]) -> None:
    """As many replicas and connections as before, all of them on fresh sessions with the usual commits."""
    for statement in _USUAL_COMMITS:
        service.rows(statement)
    status = service.status()
    if (len(status["replicas"]), status["pool_size"]) != (step["replicas"], step["pool_size"]):
        service.platform.post("/scale", {"replicas": step["replicas"], "pool_size": step["pool_size"]})
    service.platform.post("/restart")


def undo_saved(service: Service, step: Mapping[str, Any]) -> None:
    """The portfolios that were saved without a change are as old as before."""
    rows: Sequence[Sequence[str]] = step["rows"]
    service.rows(_AS_BEFORE, [row[0] for row in rows], [row[1] for row in rows])


def _shrink(scene: Scene, pool: int) -> None:
    status = scene.service.status()
    scene.will_undo("scale", replicas=len(status["replicas"]), pool_size=status["pool_size"])
    for statement in _SLOW_COMMITS:
        scene.service.rows(statement)
    scene.service.platform.post("/scale", {"replicas": 1, "pool_size": pool})


def _connections(status: Mapping[str, Any]) -> int:
    return len(status["replicas"]) * int(status["pool_size"])


def _waiting(service: Service) -> tuple[float, float, float]:
    names = ("db_pool_waited_total", "db_pool_wait_seconds_total", "db_pool_waiting")
    found = figure(service, *names)
    return found[0], found[1], found[2]
