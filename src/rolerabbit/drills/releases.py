"""Faults that come with a deployment, and a deployment that is none."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from rolerabbit.drills.scene import Scene, Stand
from rolerabbit.drills.service import Service, wait_for
from rolerabbit.platform.ecs.view import FAMILY
from rolerabbit.platform.railway.view import deployment_id
from rolerabbit.platform.vercel.view import build_id

RELEASE: Final = 43
LEAKED_AT_LEAST: Final = 6
READS: Final = 20
CRASHES: Final = 2
TRIED: Final = 6
"""Visits in a row, of which one at least waits on either replica."""
SLOW_AT_LEAST: Final = 1.2
STAND_SECONDS: Final = 30.0

_LEAKED: Final = """
SELECT count(*) FROM pg_stat_activity
WHERE application_name = %s AND state = 'idle in transaction' AND state_change < now() - interval '1 second'"""


@dataclass(frozen=True, slots=True)
class Running:
    """A release that must go on running."""

    release: str

    def as_json(self) -> dict[str, object]:
        """For the report."""
        return {"kind": "release", "id": self.release}

    def lost(self, service: Service) -> bool:
        """Whether another one runs."""
        return bool(service.status()["release"] != self.release)


@contextmanager
def leak(scene: Scene) -> Iterator[Stand]:
    """A release opens transactions and never ends them; it stands once some have been idle for a second."""
    service = scene.service
    release, before = deploy(scene, "leak", "counts views in a transaction of its own")

    def leaked() -> int:
        service.ask("GET", "/api/portfolios")
        return int(service.rows(_LEAKED, f"rolerabbit-api/{release}")[0][0])

    wait_for(lambda: leaked() >= LEAKED_AT_LEAST, STAND_SECONDS, f"{LEAKED_AT_LEAST} leaked sessions")
    yield _stand(service, release, before, {"kind": "role", "id": "rolerabbit_app", "release": release})


@contextmanager
def bad_release(scene: Scene) -> Iterator[Stand]:
    """A release reads a column that does not exist: three of five reads of portfolios fail."""
    release, before = deploy(scene, "errors", "shows themes in the list of portfolios")
    failed = [scene.service.ask("GET", "/api/portfolios").status >= 500 for _ in range(READS)]
    wait_for(lambda: sum(failed) >= READS // 4, 0.0, f"release {release} fails reads ({sum(failed)} of {READS} did)")
    yield _stand(scene.service, release, before, {"kind": "release", "id": release})


@contextmanager
def crash_loop(scene: Scene) -> Iterator[Stand]:
    """A release whose replicas end by themselves soon after each start."""
    service = scene.service
    crashes = service.status()["crashes"]
    release, before = deploy(scene, "crash", "makes thumbnails in the background")
    wait_for(lambda: service.status()["crashes"] >= crashes + CRASHES, STAND_SECONDS, "replicas end by themselves")
    yield _stand(service, release, before, {"kind": "release", "id": release})


@contextmanager
def slow_answers(scene: Scene) -> Iterator[Stand]:
    """A release waits for another company's answer at every third visit: nothing fails, and 95 of 100 take long."""
    release, before = deploy(scene, "slow", "counts visits at another company")
    wait_for(lambda: _waited(scene.service) > SLOW_AT_LEAST, STAND_SECONDS, f"visits of release {release} wait")
    yield Stand({}, known={"release": release, "before": before})


@contextmanager
def seldom_slow(scene: Scene) -> Iterator[Stand]:
    """A release waits as long, and so seldom that no percentile moves that anybody is called for."""
    release, before = deploy(scene, "seldom-slow", "asks another company now and then")
    yield Stand({}, protected=(Running(release),), known={"release": release, "before": before})


def called(service: Service, release: str) -> list[str]:
    """The ids that hosted platforms' APIs give the deployment of a release: whoever asks those names it so."""
    entries = [row for row in service.platform.get("/deployments") if row["release"] == release]
    place = [str(row["id"]) for row in service.platform.get("/releases")].index(release) + 1
    numbers = [int(str(row["id"]).removeprefix("dpl-")) for row in entries]
    hosted = [name for number in numbers for name in (build_id(number), deployment_id(number))]
    return [f"{FAMILY}:{place}", *hosted]


def _waited(service: Service) -> float:
    """Seconds of the slowest of a few visits."""
    took = []
    for _ in range(TRIED):
        began = time.monotonic()
        service.ask("GET", "/api/portfolios")
        took.append(time.monotonic() - began)
    return max(took)


@contextmanager
def planned_deployment(scene: Scene) -> Iterator[Stand]:
    """A sound release is rolled out; with the drill it goes."""
    release, before = deploy(scene, "", "planned: texts of the sign-up page")
    yield Stand({}, protected=(Running(release),), known={"release": release, "before": before})


def deploy(scene: Scene, fault: str, note: str) -> tuple[str, str]:
    """Register and run a new release with that fault; its id, and that of the one before."""
    service = scene.service
    before = str(service.status()["release"])
    release = next_release(service)
    env = {"RR_FAULT": fault} if fault else {}
    service.platform.post("/releases", {"id": release, "note": note, "env": env})
    scene.will_undo("release", release=release, before=before)
    service.platform.post("/deployments", {"release": release})
    return release, before


def next_release(service: Service) -> str:
    """43, or the number after the highest where that is taken: releases never change."""
    known = {str(release["id"]) for release in service.platform.get("/releases")}
    numbers = [int(name) for name in known if name.isdigit()]
    return str(max([RELEASE, *(number + 1 for number in numbers)]))


def undo_release(service: Service, step: Mapping[str, Any]) -> None:
    """Run the release from before, unless another one than ours runs already."""
    if runs(service, str(step["release"])):
        service.platform.post("/rollback", {"to": step["before"]})


def runs(service: Service, release: str) -> bool:
    """Whether this release is the current one, or on its way."""
    status = service.status()
    return status["release"] == release or any(replica["release"] == release for replica in status["replicas"])


def _stand(service: Service, release: str, before: str, found: Mapping[str, object]) -> Stand:
    ids = [{"kind": "release", "id": name} for name in called(service, release)]
    known = {"release": release, "before": before, **({"accept": ids} if found["kind"] == "release" else {})}
    return Stand(found, remedied=lambda: not runs(service, release), known=known)
