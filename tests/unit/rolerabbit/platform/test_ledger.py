from __future__ import annotations

import json

import pytest

from rolerabbit.platform.errors import BadRequest, Conflict, NotFound
from rolerabbit.platform.ledger import HIDDEN, Ledger, Release


def with_releases(*ids: str) -> Ledger:
    ledger = Ledger()
    for number, release_id in enumerate(ids):
        ledger = ledger.register(Release(release_id, f"2026-01-01T00:0{number}:00+00:00"))
    return ledger


def deployed(ledger: Ledger, release_id: str, at: str = "t") -> Ledger:
    begun, deployment = ledger.begin(release_id, "deploy", f"{at}0")
    return begun.finish(deployment.id, "succeeded", f"{at}1")


def test_current_and_previous_follow_what_succeeded() -> None:
    ledger = deployed(deployed(with_releases("41", "42", "43"), "42"), "43")
    assert (ledger.current, ledger.previous) == ("43", "42")
    assert [ledger.standing(i) for i in ("41", "42", "43")] == ["available", "previous", "current"]


def test_a_failed_deployment_changes_nothing_but_the_history() -> None:
    begun, deployment = deployed(with_releases("42", "43"), "42").begin("43", "deploy", "t")
    ledger = begun.finish(deployment.id, "failed", "u", "never became ready")
    assert (ledger.current, ledger.previous) == ("42", None)
    assert ledger.deployments[-1].status == "failed"
    assert ledger.deployments[-1].previous == "42"


def test_rollback_goes_to_the_last_other_release() -> None:
    ledger = deployed(deployed(deployed(with_releases("42", "43"), "42"), "43"), "43")
    assert ledger.rollback_target(None) == "42"
    assert ledger.rollback_target("43") == "43"


def test_rollback_without_an_earlier_release_is_refused() -> None:
    with pytest.raises(Conflict, match="no earlier release"):
        deployed(with_releases("42"), "42").rollback_target(None)


def test_an_unknown_release_is_named_with_the_known_ones() -> None:
    with pytest.raises(NotFound, match=r"no release '99'.*42, 43"):
        with_releases("42", "43").begin("99", "deploy", "t")


def test_a_release_never_changes() -> None:
    with pytest.raises(Conflict, match="exists already"):
        with_releases("42").register(Release("42", "t"))


@pytest.mark.parametrize("release_id", ["", "a b", "../x", "-x", "x" * 41, "ü"])
def test_unusable_ids(release_id: str) -> None:
    with pytest.raises(BadRequest, match="no release id"):
        Ledger().register(Release(release_id, "t"))


@pytest.mark.parametrize("pair", [("A B", "x"), ("", "x"), ("A", "x\0y"), ("1A", "x")])
def test_unusable_variables(pair: tuple[str, str]) -> None:
    with pytest.raises(BadRequest, match="environment variable"):
        Ledger().register(Release("42", "t", "", (pair,)))


def test_the_summary_hides_what_looks_like_a_secret() -> None:
    env = (("RR_FAULT", "leak"), ("API_KEY", "k"), ("UPSTREAM", "http://user:pw@host"), ("DB_PASSWORD", "p"))
    assert Release("42", "t", "", env).env_summary() == {
        "API_KEY": HIDDEN,
        "DB_PASSWORD": HIDDEN,
        "RR_FAULT": "leak",
        "UPSTREAM": HIDDEN,
    }


def test_it_survives_json() -> None:
    ledger = deployed(with_releases("42"), "42").register(Release("43", "t", "note", (("A", "b"),)))
    assert Ledger.from_json(json.loads(json.dumps(ledger.to_json()))) == ledger


def test_a_deployment_that_a_crash_interrupted_has_failed() -> None:
    begun, deployment = with_releases("42").begin("42", "deploy", "t")
    ledger = begun.interrupted("u")
    assert ledger.current is None
    assert ledger.deployment(deployment.id).status == "failed"


def test_numbers_go_on_after_the_oldest_are_dropped() -> None:
    ledger = with_releases("42")
    for _ in range(503):
        ledger = deployed(ledger, "42")
    assert len(ledger.deployments) == 500
    assert ledger.deployments[-1].id == "dpl-503"
