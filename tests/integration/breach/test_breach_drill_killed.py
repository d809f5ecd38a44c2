"""A breach led by processes that are killed by SIGKILL in the midst of every step: before the effect, after it and
before it is on record, and beside every event that follows. The next one goes on, and it ends as if nobody had been."""

from __future__ import annotations

import itertools
import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from breach_people import EXPORT, THIEF, events_of, service_of
from breach_world import World
from hutch.cli.main import cli
from hutch.commands.errors import CommandError
from hutch.model.breach import GATES
from nursery import Nursery, started

ROTATED = ("jwt-add", "encryption-add", "jwt-retire", "encryption-retire")
CHANGES = (*ROTATED, "revoke", "people")
WAY_IN = (("breach.begun", "after"), ("run.started", "after"), ("change.intended", "before"),
          ("change.intended", "after"), ("change.done", "before"))  # fmt: skip
"""Points of a change up to where it is done and nobody wrote so."""

WAY_OUT = (("change.done", "after"), ("verification.done", "before"), ("verification.done", "after"),
           ("run.finished", "before"), ("run.finished", "after"), ("breach.passed", "before"))  # fmt: skip
"""The points from there to the gate."""

GOOD_BEFORE = ("preserve", "close", "jwt-add", "encryption-add")
"""Gates up to which nobody is thrown out."""

LAST = ("encryption-retire", "assess", "authority", "people", "report")
"""Gates after which a command ends."""

REVOKED = """
SELECT user_id::text, count(*) FROM audit_logs
WHERE action = 'session.revoked' AND details ->> 'reason' = %s GROUP BY user_id"""
BESIDE = (("breach.passed", "before"), ("breach.passed", "after"))
NUMBERS = itertools.count(1)
TRIES = 4
ASKED = 4
"""The exit code of a command that ends with a question to a person."""
CONTACT = "privacy@example.com"
SENT = ("--summary", "A token was stolen.", "--contact", CONTACT, "--sent", "15:20, reference 17")
REPORT = ("--summary", "A token was stolen.", "--cause", "A log held it.", "--lessons", "Mask them.", "--done")


def told(*words: str) -> Any:
    result = CliRunner().invoke(cli, [*words, "--json"])
    if isinstance(result.exception, CommandError):
        raise result.exception
    assert result.exit_code == 0, (result.stderr, result.exc_info)
    return json.loads(result.stdout)


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with started("breach_nursery") as process:
        yield Nursery(process)


@dataclass
class Led:
    """One breach, and the processes that lead it."""

    world: World
    nursery: Nursery
    folder: Path
    environment: dict[str, str]
    incident: str
    killed: int = 0

    def words(self, gate: str) -> list[str]:
        """The command that passes the gate."""
        ways: dict[str, tuple[str, ...]] = {
            "assess": ("assess", self.incident, "--from", "1h", "--address", THIEF, "--keep"),
            "authority": ("form", self.incident, *SENT),
            "people": ("notify", self.incident, "--contact", CONTACT, "--yes"),
            "report": ("report", self.incident, *REPORT),
        }
        contain = ("contain", self.incident, "--closed", "the log is off", "--yes")
        return ["breach", *ways.get(gate, contain)]

    def order(self, gate: str, **doom: str) -> dict[str, Any]:
        self.nursery.send(
            {"folder": str(self.folder), "environment": self.environment, "words": self.words(gate),
             "incident": self.incident, "gate": gate, **doom}
        )  # fmt: skip
        return self.nursery.answer()

    def kill(self, gate: str, kind: str, when: str) -> None:
        """Killed at that point. A change that was begun and not done first comes to nothing, and says so."""
        answers = []
        for _ in range(TRIES):
            answers.append(self.order(gate, kind=kind, when=when))
            if answers[-1]["killed"]:
                self.killed += 1
                return
            self.decide(gate, answers[-1])
        raise AssertionError((gate, kind, when, answers))

    def decide(self, gate: str, answer: dict[str, Any]) -> None:
        """Where it is not known whether a change was made, the person looks, and says that it was not."""
        assert answer["code"] in (0, 1, ASKED), answer
        if answer["code"] == ASKED:
            result = CliRunner().invoke(cli, ["runs", "decide", self.show()[gate]["run"], "failed"])
            assert result.exit_code in (0, 1, 3), (result.output, answer)

    def kill_while_rotating(self, gate: str) -> None:
        answer = self.order(gate, keys=str(Path(self.world.ready["data_dir"]) / "keys.json"))
        assert answer["killed"], (gate, answer)
        self.killed += 1

    def pass_gate(self, gate: str) -> None:
        """Until it is passed, by a process that nobody kills."""
        for _ in range(TRIES):
            if self.passed(gate):
                return
            answer = self.order(gate)
            self.decide(gate, answer)
        raise AssertionError((gate, answer))

    def show(self) -> dict[str, dict[str, Any]]:
        return {row["gate"]: row for row in told("breach", "show", self.incident)["gates"]}

    def passed(self, gate: str) -> bool:
        return bool(self.show()[gate]["passed_at"])

    def named(self, gate: str) -> bool:
        """Whether it is said where it stands: at this gate, with the run that was begun, or past it."""
        result = CliRunner().invoke(cli, ["breach", "show", self.incident])
        row = self.show()[gate]
        begun = not row.get("run") or row["run"] in result.stdout
        return bool(row["passed_at"]) or ("next: " in result.stdout and begun)


@pytest.fixture
def led(world: World, configure: Any, nursery: Nursery) -> Led:
    """A breach that is open: a thief has exported with the tokens of two people."""
    folder = configure()
    names = ("READER", "OPERATOR", "PLATFORM", "CANARY_PASSWORD", "CANARY_TOKEN", "CANARY_SESSION", "HUTCH_ACTOR")
    environment = {name: os.environ[name] for name in names}

    service = service_of(world.ready)
    for name, token in stolen(world).items():
        assert world.ask("PUT", "/api/account/profile", {"phone": name, "address": ""}, token)[0] == 204
        assert service.ask("GET", EXPORT, token=token, address=THIEF).status == 200
    for _ in range(next(NUMBERS)):  # the service knows each breach by its number, and is the same for all tests
        incident = str(told("breach", "open")["incident"])
    return Led(world, nursery, folder, environment, incident)


def stolen(world: World) -> dict[str, str]:
    return {name: world.log_in(name) for name in ("ann@example.com", "bob@example.com")}


def rings(world: World) -> dict[str, list[str]]:
    """The state of each key that there ever was."""
    found = json.loads((Path(world.ready["data_dir"]) / "keys.json").read_text(encoding="utf-8"))
    return {name: [key["state"] for key in ring] for name, ring in found["rings"].items()}


def settled(world: World) -> None:
    """The platform has done what it was asked for, whoever asked."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        found = json.loads((Path(world.ready["data_dir"]) / "keys.json").read_text(encoding="utf-8"))
        if found["in_force"] and not any("new" in states for states in rings(world).values()):
            return
        time.sleep(0.2)
    raise AssertionError(rings(world))


def ended_right(led: Led, before: dict[str, list[str]]) -> None:
    """Every gate once and in order, and nothing was done twice."""
    world, state, incident = led.world, led.show(), led.incident
    events = events_of(led.folder, incident)
    passed = [data for _, kind, data in events if kind == "breach.passed"]
    assert [data["gate"] for data in passed] == [gate.id for gate in GATES]
    assert all(data["proof"] == state[data["gate"]]["proof"] for data in passed)
    assert state["prove"]["proof"] == "old token: 401, old session: 401, new log-in: 200, new session: 200"
    files = Counter(data["name"] for _, kind, data in events if kind == "evidence.attached")
    assert set(files.values()) == {1}, files
    assert {"audit-1.jsonl", "reach.json", "authority-1.md", "report.md"} <= set(files)
    items = Counter(data["text"] for _, kind, data in events if kind == "item.added")
    assert (len(items), set(items.values())) == (4, {1}), items

    for ring, states in rings(world).items():
        assert len(states) == len(before[ring]) + 1, (ring, states)
        assert Counter(states)["signs"] == 1 and set(states) == {"signs", "off"}, (ring, states)
    revoked = world.rows(REVOKED, incident)
    assert revoked and {times for _, times in revoked} == {1}, revoked
    people = world.rows("SELECT recipient FROM outbox WHERE campaign = %s ORDER BY recipient", f"breach {incident}")
    assert people == [("ann@example.com",), ("bob@example.com",)]
    for name in ("ann@example.com", "bob@example.com"):
        kept = world.ask("GET", "/api/account/profile", token=world.log_in(name))
        assert kept == (200, {"phone": name, "address": ""})
    assert CliRunner().invoke(cli, ["verify"]).exit_code == 0


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("points", [WAY_IN, WAY_OUT], ids=["on the way in", "on the way out"])
def test_breach_drill_killed_at_every_step(world: World, led: Led, points: tuple[tuple[str, str], ...]) -> None:
    before, token = rings(world), world.log_in("ann@example.com")
    own = {"preserve": (("evidence.attached", "after"), *BESIDE), "report": (("item.added", "after"), *BESIDE)}
    for gate in [gate.id for gate in GATES]:
        for kind, when in points if gate in CHANGES else own.get(gate, BESIDE):
            led.kill(gate, kind, when)
            assert led.named(gate)
            if gate in GOOD_BEFORE:
                assert world.status(token) == 200, (gate, kind, when)  # the old key is as good as before
        if gate in LAST:
            led.pass_gate(gate)
    assert led.killed == sum(len(points) if g.id in CHANGES else len(own.get(g.id, BESIDE)) for g in GATES)
    assert world.status(token) == 401
    ended_right(led, before)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("patient", [True, False], ids=["looked at later", "looked at at once"])
def test_breach_drill_killed_while_the_platform_rotates(world: World, led: Led, patient: bool) -> None:
    """The platform goes on with what it was asked for, whoever has died: what is found then, or is still under way."""
    before, token = rings(world), world.log_in("ann@example.com")
    after = dict(zip(ROTATED, ("encryption-add", "jwt-retire", "revoke", ""), strict=True))
    for gate in ROTATED:
        led.kill_while_rotating(gate)
        assert led.named(gate)
        if gate in GOOD_BEFORE:
            assert world.status(token) == 200
        if not patient and after[gate]:
            led.kill(after[gate], "breach.begun", "after")
        settled(world)
    for gate in LAST:
        led.pass_gate(gate)
    assert world.status(token) == 401
    ended_right(led, before)
