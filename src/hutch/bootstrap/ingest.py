"""Reads ``ingest`` of ``hutch.yaml``: who may send alerts in."""

from __future__ import annotations

from hutch.bootstrap import values
from hutch.bootstrap.yamlnodes import Node
from hutch.detection.ingest import SOURCES
from hutch.detection.ingest.generic import FIELDS
from hutch.model.ingest import IngestSource
from hutch.ports import Setting
from hutch.runbook.capture import check_path
from hutch.runbook.errors import RunbookError

INGEST: tuple[Setting, ...] = (
    Setting("source", "text", "alertmanager, grafana, pagerduty, opsgenie, datadog, sentry or generic", required=True),
    Setting("name", "text", "what it is called, where several are of one kind", default=""),
    Setting("token", "secret", "what it sends as `Authorization: Bearer …`; PagerDuty's routing key"),
    Setting("secret", "secret", "what it signs the body with: Sentry's client secret, a generic source's own"),
    Setting("service", "text", "the service of its alerts where they name none", default=""),
    Setting("map", "map", "of a generic source: where in its JSON an alert's fields stand, as `rule: $.name`"),
)
"""The keys of an entry of ``ingest``."""

SIGNS = ("sentry", "generic")


def ingest_source(node: Node) -> IngestSource:
    """One entry."""
    found = values.settings(node, INGEST)
    kind = str(found["source"])
    if kind not in SOURCES:
        raise node.child("source").fail(f"unknown source {kind!r}; one of: {', '.join(SOURCES)}")
    if found["secret"] and kind not in SIGNS:
        raise node.child("secret").fail(f"{kind} signs nothing; give it a token")
    if found["token"] and kind == "sentry":
        raise node.child("token").fail("sentry sends no token; give its client secret as secret")
    paths = values.text_map(node.child("map"))
    if paths and kind != "generic":
        raise node.child("map").fail("only a generic source has a mapping")
    for name, path in paths.items():
        _check(node.child("map").child(name), name, path)
    return IngestSource(
        kind, str(found["name"]), str(found["token"] or ""), str(found["secret"] or ""), str(found["service"]), paths
    )


def _check(node: Node, name: str, path: str) -> None:
    if name not in FIELDS and not name.startswith("label."):
        raise node.fail(f"unknown field {name!r}; one of: {', '.join(FIELDS)}, label.NAME")
    try:
        check_path(path)
    except RunbookError as error:
        raise node.fail(error.message) from error
