"""No-faults: they take place, the service stays well, and nothing is left of them."""

from __future__ import annotations

from typing import Any

import pytest

_SESSION = "SELECT state FROM pg_stat_activity WHERE application_name = %s"
SESSIONS = {"long-backup": ("pg_dump", {"active", "idle in transaction"}), "big-report": ("monthly-report", {"active"})}


@pytest.mark.slow
@pytest.mark.parametrize("name", SESSIONS)
def test_a_long_reader(stage: Any, name: str) -> None:
    application, states = SESSIONS[name]
    with stage.standing(name) as quiet:
        assert {row[0] for row in stage.service.rows(_SESSION, application)} <= states
        assert stage.service.illness() == ""
    assert (quiet.on["object"], quiet.off["remedied"], quiet.off["protected_lost"]) == ({}, None, [])
    stage.wait_for(lambda: stage.service.rows(_SESSION, application) == [])


@pytest.mark.slow
def test_twice_the_visitors(stage: Any) -> None:
    with stage.standing("traffic-peak") as quiet:
        assert stage.service.illness() == ""
    assert quiet.off["counts"]["answered"] > 80


@pytest.mark.slow
def test_a_planned_deployment_that_is_rolled_back_is_harm(stage: Any) -> None:
    before = stage.service.status()["release"]
    with stage.standing("planned-deployment") as quiet:
        release = quiet.on["known"]["release"]
        assert stage.service.status()["release"] == release
        stage.service.platform.post("/rollback", {"to": before})
    assert quiet.off["protected_lost"] == [{"kind": "release", "id": release}]
    assert stage.service.status()["release"] == before


@pytest.mark.slow
@pytest.mark.parametrize("name", ["slow-answers", "seldom-slow"])
def test_a_release_that_waits_for_others_fails_nothing(stage: Any, name: str) -> None:
    with stage.standing(name) as waits:
        assert stage.service.status()["release"] == waits.on["known"]["release"]
        assert stage.service.illness() == ""
    assert waits.off["protected_lost"] == []
    assert stage.service.status()["release"] == waits.on["known"]["before"]
