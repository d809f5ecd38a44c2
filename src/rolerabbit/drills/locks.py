"""Faults in which sessions wait: for rows, for a table behind a change of it, for an advisory lock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rolerabbit.drills.scene import Scene, Stand
from rolerabbit.drills.sessions import Busy, Session, Sessions, bystanders, sessions, wait_until_blocked

WAITERS: Final = 3
WORKER: Final = "rolerabbit-worker"

_SOME_ROWS: Final = "SELECT id FROM portfolios WHERE deleted_at IS NULL ORDER BY id LIMIT 200"
_TOUCH: Final = "UPDATE portfolios SET updated_at = updated_at WHERE id = ANY(%s)"
_LOCK_TABLE: Final = "LOCK TABLE portfolios IN ACCESS EXCLUSIVE MODE"
_READ: Final = "SELECT count(*) FROM portfolios WHERE published"
_CHANGE_TABLE: Final = "ALTER TABLE portfolios ADD COLUMN theme varchar(40)"


@contextmanager
def lock_holder(scene: Scene) -> Iterator[Stand]:
    """A session changes rows (or takes the whole table, as the seed says), then does nothing in its transaction."""
    ids = [row[0] for row in scene.service.rows(_SOME_ROWS)]
    held, whole = scene.dice.sample(ids, min(5, len(ids))), scene.dice.random() < 0.5
    with sessions(scene.service) as opened:
        innocent = bystanders(opened)
        guilty = opened.open("app", "nightly-cleanup")
        guilty.execute("BEGIN")
        guilty.execute(_LOCK_TABLE) if whole else guilty.execute(_TOUCH, [held])
        waiters = [opened.waiting("app", WORKER, _TOUCH, held[:1]) for _ in range(WAITERS)]
        wait_until_blocked(scene.service, waiters[:1], guilty.info.backend_pid)
        yield _stand(scene, opened.seen(guilty)[0], (*innocent, *opened.seen(*waiters)), whole_table=whole)
        guilty.close()


@contextmanager
def ddl_queue(scene: Scene) -> Iterator[Stand]:
    """A session that only read is left idle in its transaction; a change of the table waits, and all readers behind."""
    with sessions(scene.service) as opened:
        innocent = bystanders(opened)
        guilty = opened.open("app", "report-notebook")
        guilty.execute("BEGIN")
        guilty.execute(_READ)
        change = opened.waiting("owner", "rolerabbit-release", _CHANGE_TABLE)
        wait_until_blocked(scene.service, [change], guilty.info.backend_pid)
        readers = [opened.waiting("app", WORKER, _READ) for _ in range(WAITERS)]
        wait_until_blocked(scene.service, readers, change.pid)
        accept = [{"kind": "session", "id": str(change.pid)}]
        yield _stand(scene, opened.seen(guilty)[0], (*innocent, *opened.seen(*readers)), accept=accept)
        guilty.close()


@contextmanager
def advisory_lock(scene: Scene) -> Iterator[Stand]:
    """A session took an advisory lock and forgot it: it is idle, not even in a transaction."""
    key = scene.dice.randrange(1, 2**31)
    with sessions(scene.service) as opened:
        innocent = bystanders(opened)
        guilty = opened.open("app", "billing-cron")
        guilty.execute("SELECT pg_advisory_lock(%s)", [key])
        waiters = _for_advisory(opened, key)
        wait_until_blocked(scene.service, waiters, guilty.info.backend_pid)
        yield _stand(scene, opened.seen(guilty)[0], (*innocent, *opened.seen(*waiters)), key=key)
        guilty.close()


def _for_advisory(opened: Sessions, key: int) -> list[Busy]:
    return [opened.waiting("app", WORKER, "SELECT pg_advisory_xact_lock(%s)", key) for _ in range(WAITERS)]


def _stand(scene: Scene, guilty: Session, innocent: tuple[Session, ...], **known: object) -> Stand:
    return Stand(
        {"kind": "session", "id": str(guilty.pid), "application": guilty.application},
        remedied=lambda: guilty.lost(scene.service),
        protected=innocent,
        known=known,
    )
