"""Runs one fault: refuses or makes it, says that it stands, holds it, judges, undoes it, says what came of it."""

from __future__ import annotations

import json
import os
import select
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from random import Random
from typing import Any, Final

import click
import psycopg
import redis

from rolerabbit.drills.errors import FaultError, Refused
from rolerabbit.drills.records import Records, only_one
from rolerabbit.drills.rows import Rows
from rolerabbit.drills.scene import Maker, Scene, Stand
from rolerabbit.drills.service import Service
from rolerabbit.drills.undo import undo, undo_leftovers
from rolerabbit.platform.client import ClientError

WELL_AGAIN_SECONDS: Final = 30.0
"""How long the service may take to be well once everything is undone."""
BROKEN: Final = (psycopg.Error, redis.RedisError, ClientError, OSError)
"""What reaching the service and its servers can raise."""


class Stopped(BaseException):
    """SIGTERM came while the fault was being made."""


class Stop:
    """The wish to end the fault: the end of standard input, SIGTERM or SIGINT."""

    def __init__(self) -> None:
        self._asked = False
        self._raises = True
        self._read, self._write = os.pipe()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._note)

    def wait(self) -> None:
        """Until one of them has come."""
        stdin = sys.stdin.fileno()
        while not self._asked:
            ready, _, _ = select.select([stdin, self._read], [], [])
            if stdin in ready and not os.read(stdin, 4096):
                return

    @contextmanager
    def noted_only(self) -> Iterator[None]:
        """Signals only wake `wait` while the block lasts: what is being undone is undone whole."""
        self._raises = False
        try:
            yield
        finally:
            self._raises = True

    def _note(self, _number: int, _frame: object) -> None:
        self._asked = True
        os.write(self._write, b".")
        if self._raises:
            self._raises = False
            raise Stopped


def run(name: str, maker: Maker, service: Service, seed: int) -> None:
    """Make, hold and undo the fault. Refused (nothing touched) or FaultError (undone as far as could be)."""
    with only_one(service.data_dir, name):
        left = undo_leftovers(service)
        service.check_well(WELL_AGAIN_SECONDS if left else 0.0)
        scene = Scene(service, Records(service.data_dir, name), Random(seed))  # noqa: S311 - dice of a drill
        rows, stop = Rows.counted(service), Stop()
        off: Mapping[str, Any] = {"stood": False}
        try:
            off = _stand(maker, scene, stop)
        except Stopped:
            pass
        except BROKEN as error:
            raise FaultError(f"{name} can't be made: {error!r}") from error
        finally:
            with stop.noted_only():
                undo(service, scene.records)
        say({"state": "off", **off, **_aftermath(service, rows)})


def say(line: Mapping[str, Any]) -> None:
    """One JSON line on standard output, at once."""
    click.echo(json.dumps(line))
    sys.stdout.flush()


def _stand(maker: Maker, scene: Scene, stop: Stop) -> dict[str, Any]:
    with maker(scene) as stand, stop.noted_only():
        protected = [thing.as_json() for thing in stand.protected]
        say({"state": "on", "object": dict(stand.found), "protected": protected, "known": dict(stand.known)})
        stop.wait()
        return _judged(stand, scene.service)


def _judged(stand: Stand, service: Service) -> dict[str, Any]:
    return {
        "stood": True,
        "counts": dict(_asked(stand.counts, {})),
        "remedied": _asked(stand.remedied, False) if stand.remedied else None,
        "protected_lost": [thing.as_json() for thing in stand.protected if thing.lost(service)],
    }


def _aftermath(service: Service, before: Rows) -> dict[str, Any]:
    """Once the service is well again, or the time for that is over."""
    well = False
    with suppress(Refused):
        service.check_well(WELL_AGAIN_SECONDS)
        well = True
    lost = _asked(lambda: before.lost(service), {})
    return {"well": well, "rows_lost": sum(lost.values()), "rows_lost_by_table": lost}


def _asked(question: Callable[[], Any], otherwise: Any) -> Any:
    """The answer, or what stands for it where the service can't be asked any more."""
    try:
        return question()
    except BROKEN:
        return otherwise
