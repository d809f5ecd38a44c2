"""What other tools send, read: payloads as each of them writes it, and what is wrong told with its place."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hutch.commands.ingest import parsed
from hutch.detection.facts import completed
from hutch.detection.ingest import SOURCES, Arrived, Given, PayloadError
from hutch.detection.ingest import generic as mapping
from hutch.model.alert import UNKNOWN_START, Alert
from hutch.model.severity import Severity

DATA = Path(__file__).parents[2] / "data" / "ingest"
NOW = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)
TEN = datetime(2026, 1, 15, 10, 0, tzinfo=UTC)


def recorded(name: str, **paths: str) -> Arrived:
    kind, _, rest = name.partition("-")
    headers = {"sentry-hook-resource": rest.partition("-")[0]} if kind == "sentry" else {}
    body = json.loads((DATA / f"{name}.json").read_text())
    return SOURCES[kind].read(Given(body, headers, "", paths), NOW)


def first(name: str) -> Alert:
    return completed(recorded(name).alerts[0], ["shop", "other"], ())


@pytest.mark.parametrize(
    ("name", "rule", "service", "severity", "summary"),
    [
        ("alertmanager-firing", "HighErrorRate", "shop", Severity.SEV1, "8 % of requests fail"),
        ("grafana-firing", "HighErrorRate", "shop", Severity.SEV1, "8 % of requests fail"),
        ("grafana-legacy-firing", "Errors", "unknown", Severity.SEV2, "Errors are up"),
        ("pagerduty-firing", "latency", "unknown", Severity.SEV2, "Database is slow"),
        ("opsgenie-firing", "Disk is nearly full", "shop", Severity.SEV2, "91 % used"),
        ("datadog-firing", "[Triggered] Queue is long", "shop", Severity.SEV2, "More than 1000 wait"),
        (
            "sentry-metric_alert-firing",
            "Too many errors",
            "unknown",
            Severity.SEV1,
            "1000 events in the last 10 minutes",
        ),
        (
            "sentry-event_alert-firing",
            "Every new issue",
            "unknown",
            Severity.SEV2,
            "ZeroDivisionError: division by zero",
        ),
        ("sentry-issue-firing", "ZeroDivisionError", "unknown", Severity.SEV2, "app.views in total"),
        ("generic-firing", "Backup failed", "shop", Severity.SEV2, "The backup of tonight failed"),
    ],
)
def test_a_firing(name: str, rule: str, service: str, severity: Severity, summary: str) -> None:
    found = first(name)
    assert (found.rule, found.service, found.severity, found.summary) == (rule, service, severity, summary)
    assert found.firing
    assert found.starts_at.replace(microsecond=0) == (NOW if "legacy" in name else TEN)


PAIRS = sorted(p.stem for p in DATA.glob("*-firing.json") if (DATA / p.name.replace("firing", "resolved")).exists())


@pytest.mark.parametrize("name", PAIRS)
def test_its_resolution_ends_the_same_firing(name: str) -> None:
    fired, over = first(name), first(name.replace("firing", "resolved"))
    assert not over.firing
    assert over.fingerprint == fired.fingerprint
    assert over.starts_at in (fired.starts_at, UNKNOWN_START)


def test_every_source_has_its_recordings() -> None:
    assert {p.name.partition("-")[0] for p in DATA.glob("*.json")} == set(SOURCES)


@pytest.mark.parametrize("kind", ["pagerduty", "opsgenie"])
def test_an_acknowledgement_names_the_same_alert(kind: str) -> None:
    found = recorded(f"{kind}-acknowledged")
    assert found.alerts == ()
    assert completed(found.acknowledged[0], (), ()).fingerprint == first(f"{kind}-firing").fingerprint


@pytest.mark.parametrize("name", ["opsgenie-nothing", "sentry-issue-nothing"])
def test_what_changes_nothing_says_so(name: str) -> None:
    found = recorded(name)
    assert (found.alerts, "changes nothing here" in found.note) == ((), True)


def test_pagerdutys_key_counts_within_its_routing_key() -> None:
    body = json.loads((DATA / "pagerduty-firing.json").read_text())
    one = SOURCES["pagerduty"].read(Given(body), NOW).alerts[0]
    other = SOURCES["pagerduty"].read(Given({**body, "routing_key": "another"}), NOW).alerts[0]
    assert one.fingerprint != other.fingerprint
    nameless = {k: v for k, v in body.items() if k != "dedup_key"}
    assert len({SOURCES["pagerduty"].read(Given(nameless), NOW).alerts[0].key for _ in range(2)}) == 1


def test_a_mapping_says_where_things_stand() -> None:
    paths = {
        "each": "$.events", "rule": "$.check.name", "status": "$.state", "key": "$.check.id", "label.host": "$.host",
        "starts_at": "$.since",
    }  # fmt: skip
    body = {"events": [{"check": {"name": "ping", "id": 7}, "state": "DOWN", "host": "db1", "since": 1768471200}]}
    found = SOURCES["generic"].read(Given(body, paths=paths, name="nagios"), NOW).alerts[0]
    assert (found.rule, found.given, dict(found.labels), found.source) == ("ping", "7", {"host": "db1"}, "nagios")
    assert (found.firing, found.starts_at) == (True, TEN)
    body["events"][0]["state"] = "OK"
    assert not SOURCES["generic"].read(Given(body, paths=paths, name="nagios"), NOW).alerts[0].firing


def test_a_mapping_that_fits_nothing_or_not_all_says_where_it_looked() -> None:
    read, paths = SOURCES["generic"].read, {"rule": "$.check.name", "severity": "$.level", "ends_at": "$.end"}
    part = read(Given({"check": {"name": "ping"}}, paths=paths), NOW)
    assert (part.alerts[0].rule, part.note) == ("ping", "the mapping found nothing at $.level (severity)")
    assert read(Given({"check": {"name": "ping"}, "level": "high"}, paths=paths), NOW).note == ""
    assert read(Given({"rule": "ping"}), NOW).note == ""  # nobody said that there must be more
    with pytest.raises(PayloadError, match=r"nothing of the mapping is here: looked for \$.check.name, \$.level"):
        read(Given({"Check": "ping"}, paths=paths), NOW)
    rows = {"each": "$.events", "rule": "$.name", "label.host": "$.host"}
    body = {"events": [{"name": "a", "host": "x"}, {"name": "b"}]}
    assert read(Given(body, paths=rows), NOW).note == "the mapping found nothing at $.host (label.host)"
    with pytest.raises(PayloadError, match=r"^\$.events\[1\]: nothing of the mapping is here"):
        read(Given({"events": [{"name": "a"}, {"title": "b"}]}, paths=rows), NOW)


@pytest.mark.parametrize(
    ("kind", "body", "said"),
    [
        ("alertmanager", {}, "alerts: expected a list, found nothing"),
        ("alertmanager", {"version": "3", "alerts": []}, "version: expected version 4, found '3'"),
        ("alertmanager", {"alerts": [1]}, "alerts[0]: expected an object, found a number"),
        ("alertmanager", {"alerts": [{}]}, "alerts[0].status: is missing"),
        ("alertmanager", {"alerts": [{"status": "on"}]},
         "alerts[0].status: expected one of firing, resolved, found 'on'"),
        (
            "alertmanager",
            {"alerts": [{"status": "firing", "startsAt": "soon"}]},
            "alerts[0].startsAt: 'soon' is no time; write 2026-01-15T10:00:00Z",
        ),
        ("alertmanager", {"alerts": [{"status": "firing"}] * 1001},
         "alerts: holds 1001 entries; 1000 are taken at once"),
        ("alertmanager", {"alerts": [{"status": "firing", "labels": []}]},
         "alerts[0].labels: expected an object, found a list"),
        ("pagerduty", {}, "event_action: is missing"),
        ("pagerduty", {"event_action": "resolve", "routing_key": "r"}, "dedup_key: is missing"),
        ("pagerduty", {"event_action": "trigger", "routing_key": "r"}, "payload.summary: is missing"),
        (
            "pagerduty",
            {"event_action": "trigger", "routing_key": "r", "dedup_key": "k" * 256},
            "dedup_key: has 256 characters; PagerDuty takes 255",
        ),
        ("opsgenie", {"action": "Create"}, "alert.alertId: is missing"),
        ("datadog", {"transition": "Triggered"}, "id: is missing"),
        ("sentry", {"action": "created"}, "header Sentry-Hook-Resource: is missing: Sentry names the resource there"),
        ("grafana", {"state": "alerting"}, "ruleName: is missing"),
        ("generic", {"rule": {"a": 1}}, "$.rule: expected a text, found an object"),
        (
            "generic", {"Rule": "x", "alert": {"rule": "x"}},
            "nothing of the mapping is here: looked for $.rule, $.service, $.severity, $.summary, $.status, $.key, "
            "$.starts_at, $.ends_at, $.url, $.value",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(kind: str, body: dict[str, Any], said: str) -> None:
    with pytest.raises(PayloadError) as error:
        SOURCES[kind].read(Given(body), NOW)
    assert str(error.value) == said


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"alerts": [', "is not JSON: Expecting value at line 1, column 13"),
        (b"[]", "is no JSON object"),
        (b'{"a": NaN}', "holds NaN, which is no JSON"),
        (b"\xff\xfe", "is not UTF-8: byte 0"),
        (b'{"a":' * 200 + b"1" + b"}" * 200, "is nested more than 100 levels deep"),
        (b"", "is not JSON: Expecting value at line 1, column 1"),
    ],
)
def test_what_is_no_json_object(body: bytes, said: str) -> None:
    with pytest.raises(PayloadError) as error:
        parsed(body)
    assert str(error.value) == said


def test_a_signature_of_ours_is_good_for_five_minutes() -> None:
    at, body = int(NOW.timestamp()), b'{"rule": "x"}'
    good = mapping.signature("s3cret", at, body)
    assert mapping.signed("s3cret", good, body, NOW) == ""
    assert mapping.signed("other", good, body, NOW) == "the signature is wrong"
    assert mapping.signed("s3cret", good, body + b" ", NOW) == "the signature is wrong"
    assert "a replay" in mapping.signed("s3cret", mapping.signature("s3cret", at - 301, body), body, NOW)
    assert "missing or malformed" in mapping.signed("s3cret", "", body, NOW)


SHAPES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(
        ["alerts", "status", "labels", "annotations", "startsAt", "event_action", "routing_key", "payload",
        "action", "data",
         "alert", "alertId", "transition", "title", "state", "ruleName", "rule", "summary", "createdAt", "date", "key"]
    ) | st.text(max_size=5), inner, max_size=6),
    max_leaves=25,
)  # fmt: skip


@given(st.sampled_from(sorted(SOURCES)), SHAPES, st.sampled_from(["", "issue", "metric_alert", "event_alert", "x"]))
def test_whatever_comes_is_read_or_refused(kind: str, body: object, resource: str) -> None:
    whole = body if isinstance(body, dict) else {"alerts": body, "data": body}
    try:
        found = SOURCES[kind].read(Given(whole, {"sentry-hook-resource": resource}), NOW)
    except PayloadError:
        return
    assert all(a.starts_at.tzinfo for a in found.alerts)
