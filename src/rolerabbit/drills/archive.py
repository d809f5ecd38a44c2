"""The archive of the server's log of changes: a fault in which nothing reaches it any more, and one that is over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from rolerabbit.drills.scene import Scene, Stand
from rolerabbit.drills.service import Service, wait_for

BROKEN: Final = "test ! -f %p"
"""As a command whose disk, bucket or key is gone: it fails for each file."""
STAND_SECONDS: Final = 60.0

_FAILS: Final = "SELECT last_failed_time > coalesce(last_archived_time, '-infinity') FROM pg_stat_archiver"
_COUNT: Final = "SELECT failed_count FROM pg_stat_archiver"
_WRITE: Final = "SELECT pg_logical_emit_message(true, 'drill', 'something to archive')"


@contextmanager
def failing_archive(scene: Scene) -> Iterator[Stand]:
    """The archive takes no file any more: its key ended, and nobody looks at the server's log."""
    service = scene.service
    _break(scene)
    yield Stand(
        {"kind": "setting", "id": "archive_command"},
        counts=lambda: {"failures": int(service.rows(_COUNT)[0][0])},
    )


@contextmanager
def recovered_archive(scene: Scene) -> Iterator[Stand]:
    """Files failed to reach the archive for a while, and all of them are there by now."""
    service = scene.service
    _break(scene)
    undo_archiver(service, {})
    yield Stand({}, known={"failures": int(service.rows(_COUNT)[0][0])})


def undo_archiver(service: Service, _step: Mapping[str, Any]) -> None:
    """The command that there was, and every file archived."""
    service.rows("ALTER SYSTEM RESET archive_command")
    service.rows("SELECT pg_reload_conf()")
    _finish_a_file(service)
    wait_for(lambda: not _fails(service), STAND_SECONDS, "the archive takes files again")


def _break(scene: Scene) -> None:
    service = scene.service
    scene.will_undo("archiver")
    service.rows(f"ALTER SYSTEM SET archive_command = '{BROKEN}'")
    service.rows("SELECT pg_reload_conf()")
    _finish_a_file(service)
    wait_for(lambda: _fails(service), STAND_SECONDS, "a file fails to reach the archive")


def _finish_a_file(service: Service) -> None:
    service.rows(_WRITE)
    service.rows("SELECT pg_switch_wal()")


def _fails(service: Service) -> bool:
    return service.rows(_FAILS) == [(True,)]
