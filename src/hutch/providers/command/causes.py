"""Which failed checks of a team's own mean which cause. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hutch.model.finding import Cause, Finding, Object, Remedy, Status

CODES: Mapping[str, str] = {
    "app.crashed": "the service's processes end by themselves",
    "app.overloaded": "the service has more to do than its replicas can",
    "http.unreachable": "nothing answers at the service's address",
    "migration.failed": "a migration stopped half-way",
    "migration.pending": "the running release expects a migration that was not applied",
}

SURE = 0.75
"""The team said what its check means; whether something deeper explains it, others tell."""


def explain(findings: Sequence[Finding]) -> Sequence[Cause]:
    """The cause that the configuration names, for each check of ours that failed."""
    return [
        _cause(f) for f in findings if f.check.startswith("command.") and f.status is Status.BAD and f.data["cause"]
    ]


def _cause(finding: Finding) -> Cause:
    verbs: list[str] = finding.data["remedies"]  # type: ignore[assignment]
    thing = Object("service", str(finding.data["object"]))
    remedies = tuple(Remedy(verb, "", {}, verb.replace(".", ": "), rank=20 + n) for n, verb in enumerate(verbs))
    code = str(finding.data["cause"])
    return Cause(code, thing, SURE, finding.summary, finding.target, finding.evidence, remedies)
