"""A rotation that fails half-way, at each of its steps: the step is named, the old key is as good as before, and the
next try goes on there. The platform answers by Vercel's and Railway's APIs over replicas that are only written down."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from hutch.engine import plan
from nursery import Nursery, started
from platform_world import TOKEN, World, serving
from rolerabbit.platform.railway.view import ENVIRONMENT, PROJECT, SERVICE
from spoken import said

WRITE = {"vercel": "PATCH", "railway": "VariableUpsert"}
DEPLOY = {"vercel": "POST /v13/deployments", "railway": "DeploymentRedeploy"}
TITLES = ("jwt: a new key that all know", "jwt: started anew, a new key that all know", "jwt: the new key signs",
          "jwt: started anew, the new key signs")  # fmt: skip
PLACES = ("vercel", "railway")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "platform")


@pytest.fixture
def at(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PLATFORM", TOKEN)
    monkeypatch.setenv("HUTCH_ACTOR", "mara")
    monkeypatch.setattr(plan, "VERIFY_WITHIN", timedelta(seconds=1))  # a person is asked sooner than in earnest
    with serving(world) as address:

        def configure(place: str) -> None:
            common = {"token": {"env": "PLATFORM"}, "changes": True, "secrets": {"jwt": "JWT_KEYS"}, "look_every": 0.02}
            own: dict[str, dict[str, object]] = {
                "vercel": {"project": "rolerabbit", "url": address, "logs_url": address},
                "railway": {"project": PROJECT, "environment": ENVIRONMENT, "service": SERVICE,
                            "url": f"{address}/graphql/v2"},
            }  # fmt: skip
            service = {place: {**common, **own[place]}}
            Path("hutch.yaml").write_text(yaml.safe_dump({"mode": "act", "services": {"shop": service}}))

        yield configure


def closed() -> str:
    incident = str(json.loads(said("breach", "open", "--json")[1])["incident"])
    for gate in ("preserve", "close"):
        assert said("breach", "tick", incident, gate, "--how", "by hand")[0] == 0
    return incident


def gates(incident: str) -> dict[str, Any]:
    found = json.loads(said("breach", "show", incident, "--json")[1])
    return {gate["gate"]: gate for gate in found["gates"] if gate["passed_at"]}


def half_way(world: World, at: Callable[[str], None], place: str, step: int, fault: str) -> None:
    at(place)
    incident, old = closed(), world.secrets.keys.signer("jwt")
    mark = (DEPLOY if step % 2 == 0 else WRITE)[place]
    world.faults = [*([(mark, "")] if step > 2 else []), (mark, fault)]
    code, _, err = said("breach", "contain", incident, "--yes")
    assert not world.faults
    if fault == "broken":  # it may be under way somewhere still: a person looks, and says that it is not there
        run = re.search(r"run (R-[0-9a-f-]+) waits", err)
        assert (code, run is not None, "jwt-add" in gates(incident)) == (4, True, False), err
        assert run and said("runs", "decide", run[1], "failed", "--note", "it is not there")[0] == 1
        code, _, err = said("breach", "contain", incident, "--yes")
    assert code == 1, err
    assert old in {key.id for key in world.secrets.keys.rings["jwt"] if key.state in ("signs", "old")}
    if fault == "denied":
        assert f"jwt-add, step {step} of 4 ({TITLES[step - 1]}): run R-" in err
        assert "; the old key is as good as before" in err
        assert "jwt-add" not in gates(incident)
        code, _, err = said("breach", "contain", incident, "--yes")
    assert (code, "encryption-add: " in err and "no secret 'encryption'" in err) == (1, True), err
    gone_on_right(world, incident)


def gone_on_right(world: World, incident: str) -> None:
    """One new key, and no deployment too many or too few."""
    assert sorted(key.state for key in world.secrets.keys.rings["jwt"]) == ["old", "signs"]
    passed = gates(incident)["jwt-add"]
    assert passed["proof"].count(";") >= 3
    deploys = [d for d in world.control.ledger.deployments if d.status == "succeeded"]
    assert len(deploys) == 4  # the two from before, and one for each stage: none too many, none too few
    assert said("verify")[0] == 0


@pytest.mark.parametrize(
    "step", [1, pytest.param(2, marks=pytest.mark.slow), 3, pytest.param(4, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize(("place", "fault"), [("vercel", "denied"), ("railway", "lost")])
def test_it_goes_on_where_it_failed(
    world: World, at: Callable[[str], None], place: str, step: int, fault: str
) -> None:  # fmt: skip
    half_way(world, at, place, step, fault)


@pytest.mark.slow
@pytest.mark.parametrize("step", [1, 2, 3, 4])
@pytest.mark.parametrize(("place", "fault"), [("vercel", "broken"), ("vercel", "lost"), ("railway", "broken")])
def test_it_goes_on_after_any_failure(
    world: World, at: Callable[[str], None], place: str, step: int, fault: str
) -> None:  # fmt: skip
    half_way(world, at, place, step, fault)


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with started("breach_nursery") as process:
        yield Nursery(process)


def killed(nursery: Nursery, incident: str, kind: str, when: str) -> bool:
    """By a process of its own, at the first such commit. What was begun and not done first comes to nothing."""
    words = ["breach", "contain", incident, "--yes"]
    order = {"folder": str(Path.cwd()), "words": words, "incident": incident, "gate": "jwt-add"}
    environment = {"PLATFORM": TOKEN, "HUTCH_ACTOR": "mara"}
    for _ in range(3):
        nursery.send({**order, "environment": environment, "kind": kind, "when": when})
        answer = nursery.answer()
        if answer["killed"]:
            return True
        assert answer["code"] in (1, 4), answer
        if answer["code"] == 4:  # nobody knows whether it was made: a person looks, and says that it was not
            found = json.loads(said("breach", "show", incident, "--json")[1])["gates"]
            said("runs", "decide", next(gate["run"] for gate in found if gate["gate"] == "jwt-add"), "failed")
    return False


WAY_IN = (("breach.begun", "after"), ("run.started", "after"), ("change.intended", "before"),
          ("change.intended", "after"), ("change.done", "before"))  # fmt: skip
WAY_OUT = (("change.done", "after"), ("verification.done", "before"), ("verification.done", "after"),
           ("run.finished", "before"), ("run.finished", "after"))  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("place", "points"), [("vercel", WAY_IN), ("railway", WAY_OUT)], ids=["way in", "way out"])
def test_breach_drill_of_kills_at_every_point_of_every_step(
    world: World, at: Callable[[str], None], nursery: Nursery, place: str, points: tuple[tuple[str, str], ...]
) -> None:
    """SIGKILL, before the effect, after it and before it is on record, and after that: nothing is done twice."""
    at(place)
    incident, old = closed(), world.secrets.keys.signer("jwt")
    for step in (1, 2, 3, 4):
        for kind, when in points:
            if (step % 2, kind, when) == (0, "change.intended", "after"):
                continue  # a restart that nobody sees begin is waited for as long as one may take
            assert killed(nursery, incident, kind, when), (step, kind, when)
            assert old in {key.id for key in world.secrets.keys.rings["jwt"] if key.state in ("signs", "old")}
            assert "jwt-add" not in gates(incident)
    code, _, err = said("breach", "contain", incident, "--yes")
    assert (code, "encryption-add: " in err and "no secret 'encryption'" in err) == (1, True), err
    gone_on_right(world, incident)
