"""Faults that are seen from outside alone: the certificate, the name, the metrics, and a storm of alerts."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from rolerabbit.drills.errors import FaultError
from rolerabbit.drills.scene import Scene, Stand
from rolerabbit.drills.service import Service
from rolerabbit.edge import NAME, folder_of, read, want

STORM: Final = 500
"""Alerts of one cause."""

SENT_AT_ONCE: Final = 50
SEND_SECONDS: Final = 30.0


@contextmanager
def certificate_ending(scene: Scene) -> Iterator[Stand]:
    """The front door's certificate was not renewed, and ends in five days: visitors see nothing yet."""
    _break(scene, certificate_days=5)
    yield Stand({"kind": "host", "id": _door(scene.service)}, known=_with_port(scene.service))


@contextmanager
def certificate_ended(scene: Scene) -> Iterator[Stand]:
    """The front door's certificate ended yesterday: every visitor is warned away."""
    _break(scene, certificate_days=-1)
    yield Stand({"kind": "host", "id": _door(scene.service)}, known=_with_port(scene.service))


@contextmanager
def door_shut(scene: Scene) -> Iterator[Stand]:
    """The front door hangs up on every visitor: the service behind it is well, and nobody reaches it."""
    yield from _door_gives(scene, 0)


@contextmanager
def door_failing(scene: Scene) -> Iterator[Stand]:
    """The front door finds nobody behind it: 502 for every visitor, while the service answers whoever asks it."""
    yield from _door_gives(scene, 502)


@contextmanager
def door_parked(scene: Scene) -> Iterator[Stand]:
    """The front door has forgotten the site, as after a lapsed plan: 404 for every visitor."""
    yield from _door_gives(scene, 404)


def _door_gives(scene: Scene, status: int) -> Iterator[Stand]:
    _break(scene, door_status=status)
    yield Stand({"kind": "host", "id": _door(scene.service)}, known=_with_port(scene.service))


@contextmanager
def name_gone(scene: Scene) -> Iterator[Stand]:
    """The name server no longer knows the service's name."""
    _break(scene, named=False)
    yield Stand({"kind": "host", "id": NAME})


@contextmanager
def metrics_silent(scene: Scene) -> Iterator[Stand]:
    """The exporter answers no more: the service is well, and nobody can tell."""
    _break(scene, exporting=False)
    yield Stand({})


@contextmanager
def alert_storm(scene: Scene) -> Iterator[Stand]:
    """Another tool tells of one trouble 500 times, once for each thing that it hits."""
    url, began = _edge(scene.service, "hutch.json")["alertmanager"], datetime.now(UTC)
    _send(url, began)
    try:
        yield Stand({}, counts=lambda: {"alerts": STORM})
    finally:
        _send(url, began, datetime.now(UTC))


def undo_edge(service: Service, step: Mapping[str, Any]) -> None:
    """As it was before."""
    want(folder_of(service.data_dir), **step["before"])


def _break(scene: Scene, **changes: Any) -> None:
    folder = folder_of(scene.service.data_dir)
    _edge(scene.service, "edge.json")
    before = read(folder)
    scene.will_undo("edge", before={name: getattr(before, name) for name in changes})
    want(folder, **changes)


def _edge(service: Service, name: str) -> Mapping[str, str]:
    path: Path = folder_of(service.data_dir) / name
    try:
        found: Mapping[str, str] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FaultError(f"nothing stands before this platform ({path}): start `rolerabbit edge` first") from error
    return found


def _door(service: Service) -> str:
    return str(urlsplit(_edge(service, "edge.json")["door"]).hostname)


def _with_port(service: Service) -> Mapping[str, object]:
    return {"accept": [{"kind": "host", "id": urlsplit(_edge(service, "edge.json")["door"]).netloc}]}


def _send(url: str, began: datetime, ended: datetime | None = None) -> None:
    """All of them, as Alertmanager tells them."""
    for start in range(0, STORM, SENT_AT_ONCE):
        rows = [_row(n, began, ended) for n in range(start, start + SENT_AT_ONCE)]
        body = json.dumps({"version": "4", "status": "resolved" if ended else "firing", "alerts": rows}).encode()
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310 - loopback
        with urllib.request.urlopen(request, timeout=SEND_SECONDS):  # noqa: S310
            pass


def _row(number: int, began: datetime, ended: datetime | None) -> dict[str, object]:
    labels = {"alertname": "Pod not ready", "service": "rolerabbit", "severity": "critical", "pod": f"web-{number}"}
    return {
        "status": "resolved" if ended else "firing",
        "labels": labels,
        "annotations": {"summary": f"web-{number} is not ready"},
        "startsAt": began.isoformat(),
        "endsAt": ended.isoformat() if ended else "0001-01-01T00:00:00Z",
    }
