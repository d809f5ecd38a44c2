"""What an incident gives to placeholders: itself, and the labels on which its alerts agree."""

from __future__ import annotations

from tests.unit.commands.test_approvals import Knob, context_at

from hutch.commands import incidents
from hutch.commands.respond import incident_values
from hutch.commands.telling import SHOWN
from hutch.model.event import Draft
from hutch.model.severity import Severity


def fired(key: str, **labels: str) -> Draft:
    told = {"labels": labels} if labels else {}
    return Draft("alert.fired", {"key": key, "rule": "Down", "severity": "SEV-2", "summary": "", **told})


async def test_labels_on_which_all_alerts_agree(tmp_path) -> None:  # type: ignore[no-untyped-def]
    context = context_at(tmp_path, Knob())
    alerts = [
        fired("a", pod="web-1", zone="eu", incident_id="x", long="y" * SHOWN, Pod_Name="p", pod_name="q"),
        fired("b"),
        fired("c", pod="web-2", zone="eu", incident_id="x", long="y" * SHOWN, Pod_Name="p", pod_name="q"),
    ]
    state = await incidents.declare(
        context, title="t", service="shop", severity=Severity.SEV2, also=alerts[:1], respond=False
    )
    assert incident_values(state)["pod"] == "web-1"
    state = await incidents.change(context, state.id, lambda _: alerts[1:])
    found = incident_values(state)
    assert {k: found.get(k) for k in ("pod", "zone", "incident-id", "long", "pod-name")} == {
        "pod": None, "zone": "eu", "incident-id": state.id, "long": None, "pod-name": None,
    }  # fmt: skip
