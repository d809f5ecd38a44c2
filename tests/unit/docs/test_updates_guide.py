"""The guide to updates names the facts and the limits that there are."""

from __future__ import annotations

import re
from pathlib import Path

from hutch.model.event import Draft, seal
from hutch.model.message import Audience
from hutch.review.facts import facts
from hutch.review.templating import FILTERS, OUTPUT, TURNS, render
from hutch.testing import START

GUIDE = (Path(__file__).resolve().parents[3] / "docs/guide/updates.md").read_text("utf-8")
DECLARED = {"title": "t", "service": "shop", "severity": "SEV-1", "detected_at": "2026-01-15T10:00:00Z"}
OWN = [seal(Draft("incident.declared", DECLARED), stream="incident:I", seq=1, at=START, salt="s", prev_hash="0" * 64)]


def test_every_fact_of_an_audience_stands_in_its_row() -> None:
    rows = re.findall(r"^\| (everybody|stakeholders and responders|responders) \| (.*) \|$", GUIDE, re.MULTILINE)
    named = {who: {n for n in re.findall(r"`(\w+)`", row) if n not in ("at", "what", "by")} for who, row in rows}
    everybody = set(facts(OWN, [], Audience.CUSTOMERS))
    assert named["everybody"] == everybody
    assert named["stakeholders and responders"] == set(facts(OWN, [], Audience.STAKEHOLDERS)) - everybody
    responders = set(facts(OWN, [], Audience.RESPONDERS)) - everybody - named["stakeholders and responders"]
    assert named["responders"] | {"title"} == responders | {"title"}


def test_filters_limits_and_the_example_are_as_told() -> None:
    assert all(f"`{name}`" in GUIDE for name in FILTERS)
    assert f"{TURNS:,} turns" in GUIDE and f"{OUTPUT:,} characters" in GUIDE
    (example,) = re.findall(r"```text\n(.*?)```", GUIDE, re.DOTALL)
    assert render(example, facts(OWN, [], Audience.CUSTOMERS)).startswith("[INVESTIGATING] Service Outage")
