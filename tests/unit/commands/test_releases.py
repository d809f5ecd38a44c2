"""Changes beside the signals, and this release against the one before it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from hutch.bootstrap.secrets import EnvironmentSecrets
from hutch.commands import releases
from hutch.commands.context import CommandError, Context, Service
from hutch.diagnosis.releases import Bounds
from hutch.model.advisory import Advisories, Advisory, Audit, Care, Rating
from hutch.model.config import Config, ServiceConfig
from hutch.model.event import Draft
from hutch.model.finding import Change, Finding, Status
from hutch.model.platform import Deployment, LogLine, LogQuery, Standing
from hutch.ports import Append, Connection, Provider, Unanswered
from hutch.store.aside import in_file
from hutch.store.samples import SampleTable
from hutch.testing import FakeClock, MemoryQueue, MemoryStore

CLOCK = FakeClock()
NOW = CLOCK.now()


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


@dataclass
class Ground:
    """Release 43 came 20 minutes ago, and took one."""

    async def standing(self) -> Standing:
        return Standing("43", "42")

    async def deployments(self) -> Sequence[Deployment]:
        return [
            Deployment("d1", "42", "deploy", "succeeded", ago(600), ago(599), "41"),
            Deployment("d2", "43", "deploy", "succeeded", ago(20), ago(19), "42"),
        ]

    async def logs(self, query: LogQuery) -> Sequence[LogLine]:
        return []


async def changes() -> Sequence[Change]:
    return [Change("migration", "009", ago(22), "migration 009 was applied")]


async def state() -> Finding:
    return Finding("migrations.state", "m", Status.OK, "all applied", NOW)


@pytest.fixture
async def context(tmp_path: Path) -> AsyncIterator[Context]:
    store, table = MemoryStore(CLOCK), SampleTable(in_file(tmp_path / "samples.db"))
    service = Service(ServiceConfig("web"), {
        "p": Connection("p", platform=Ground()),
        "m": Connection("m", checks={"migrations.state": state}, changes=changes),
    })  # fmt: skip
    secrets = EnvironmentSecrets(tmp_path)
    providers = {name: _silent() for name in ("p", "m")}
    yield Context(Config(), tmp_path, store, MemoryQueue(store), CLOCK, secrets, {"web": service}, providers,
                  samples=table)  # fmt: skip
    await table.close()


def _silent() -> Provider:
    return Provider("x", "", (), lambda _: Connection("x"))


async def filled(context: Context) -> None:
    """A minute's value of each signal: 100 ms and 0.1 % before the deployment, 190 ms and 8 % since, much within."""
    assert context.samples
    for half in range(2 * 50):
        at = ago(50) + timedelta(seconds=30 * half)
        now = (100.0, 0.1) if at < ago(20) else (190.0, 8.0) if at >= ago(19) else (9000.0, 90.0)
        await context.samples.record("web", at, {"p95_response_time": now[0], "error_rate": now[1]})


async def test_this_release_is_compared_with_the_one_before(context: Context) -> None:
    await filled(context)
    found = await releases.judged(context, "", Bounds())
    assert (found["release"], found["previous"], found["roll_back"]) == ("43", "42", True)
    assert [(r["reason"], r["verdict"]) for r in found["reasons"]] == [
        ("critical bug", "yes"), ("over 50 % slower", "yes"), ("vulnerability", "untold"), ("failed migration", "no"),
    ]  # fmt: skip
    assert found["signals"]["p95_response_time"] == {"before": 100.0, "after": 190.0}  # what is between counts for none
    assert "100 ms before, 190 ms since: +90 %" in found["reasons"][1]["said"]
    calm = await releases.judged(context, "", Bounds(slower=100, errors=50))
    assert calm["roll_back"] is False


async def test_without_samples_nothing_is_claimed(context: Context) -> None:
    found = await releases.judged(replace(context, samples=None), "", Bounds())
    assert (found["roll_back"], found["reasons"][0]["verdict"], found["signals"]) == (False, "untold", {})


async def test_what_a_release_brought_is_a_reason_to_go_back(context: Context) -> None:
    bad = Advisory(("GHSA-a",), "requests", "2.30.0", Rating.HIGH)
    reports = {"43": Audit(NOW, (bad,)), "42": Audit(NOW, ())}

    async def read(names: Sequence[str]) -> Audit:
        if names[0] not in reports:
            raise Unanswered(f"no report on {names[0]}, token s3cr3t", recoverable=False)
        return reports[names[0]]

    web = context.services["web"]
    reporting = Connection("a", advisories=Advisories(read, Care()))
    context.services["web"] = replace(web, connections={**web.connections, "a": reporting})  # type: ignore[index]
    context.providers["a"] = _silent()  # type: ignore[index]
    for before, verdict, said in (
        ((), "yes", "new in 43: GHSA-a, high, in requests 2.30.0"),
        ((bad,), "no", "none of high rating or worse is new in 43; known in it: 1"),
        (None, "untold", "no report on 42"),
    ):
        reports.pop("42", None)
        reports |= {"42": Audit(NOW, before)} if before is not None else {}
        found = await releases.judged(context, "", Bounds())
        assert (found["reasons"][2]["verdict"], found["roll_back"]) == (verdict, verdict == "yes")
        assert found["reasons"][2]["said"].startswith(said)


async def test_without_a_deployment_there_is_nothing_to_compare(context: Context) -> None:
    context.services["web"] = Service(ServiceConfig("web"), {"m": Connection("m", changes=changes)})  # type: ignore[index]
    with pytest.raises(CommandError, match="no deployment is known"):
        await releases.judged(context, "", Bounds())


async def test_changes_alerts_and_signals_stand_on_one_line_of_time(context: Context) -> None:
    await filled(context)
    alert = {"alert": {"service": "web", "rule": "High Error Rate"}}
    other = {"alert": {"service": "mail", "rule": "Other"}}
    await context.store.commit([Append("alert:1", (Draft("firing.started", alert),)),
                                Append("alert:2", (Draft("firing.started", other),))])  # fmt: skip
    found = await releases.timeline(context, "", ago(60))
    assert [(r["kind"], r["id"]) for r in found["rows"]] == [
        ("migration", "009"), ("deployment", "43"), ("alert", "High Error Rate"),
    ]  # fmt: skip
    assert found["rows"][1]["signals"]["error_rate"] == {"before": 0.1, "after": 8.0}
    assert found["began"]["what"] == "alert High Error Rate fired"
    assert found["suspect"]["said"].startswith("deployment 43, 20 min before")
    earlier = await releases.timeline(context, "", ago(60), at=ago(21))
    assert (earlier["suspect"]["kind"], earlier["suspect"]["seconds_before"]) == ("migration", 60.0)


async def test_without_any_trouble_nobody_is_suspected(context: Context) -> None:
    found = await releases.timeline(context, "", ago(60))
    assert (found["began"], found["suspect"], len(found["rows"])) == (None, None, 2)
    with pytest.raises(CommandError, match="no incident INC-1"):
        await releases.timeline(context, "", ago(60), incident="INC-1")
