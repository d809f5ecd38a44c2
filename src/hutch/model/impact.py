"""How bad it is, by what is measured: the criteria of the seed's severity table as data, worst first. Pure.

A criterion is met by a figure (a signal of the service), or by a cause that the diagnosis named. What nobody can
measure ("feature request") is no criterion: a person says so.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from hutch.model.severity import Severity

OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}

USERS = "users_affected"
"""The share of users, in %, that a signal of the team's own measures."""

DOWN = "down_by_quorum"
"""The share of probes, in %, of which so many places as a rule's quorum asks for say that they fail."""


@dataclass(frozen=True, slots=True)
class Criterion:
    """``words`` are those of the severity table. Without ``signal`` and ``cause`` it is met where figures are known and
    no other criterion is. ``cause`` is a cause code, or its beginning with a dot (``security.``)."""

    severity: Severity
    words: str
    signal: str = ""
    op: str = ">="
    threshold: float = 0.0
    unit: str = "%"
    cause: str = ""

    @property
    def condition(self) -> str:
        """``error_rate >= 99 %``."""
        if self.cause:
            return f"cause {self.cause}{'*' if self.cause.endswith('.') else ''}"
        return f"{self.signal} {self.op} {self.threshold:g} {self.unit}".rstrip() if self.signal else "nothing else"


DEFAULT_CRITERIA: tuple[Criterion, ...] = (
    Criterion(Severity.SEV1, "Complete service outage", DOWN, ">=", 100),
    Criterion(Severity.SEV1, "Complete service outage", "uptime", "<=", 0),
    Criterion(Severity.SEV1, "Complete service outage", "error_rate", ">=", 95),
    Criterion(Severity.SEV1, "Complete service outage", cause="http.unreachable"),
    Criterion(Severity.SEV1, "Data breach", cause="security.mass_export"),
    Criterion(Severity.SEV1, "Severe security vulnerability", cause="security.unauthorized_access"),
    Criterion(Severity.SEV2, "Performance issues affecting >50% users", USERS, ">", 50),
    Criterion(Severity.SEV2, "Performance issues affecting >50% users", "error_rate", ">", 50),
    Criterion(Severity.SEV2, "Performance issues affecting >50% users", "p50_response_time", ">", 2000, "ms"),
    Criterion(Severity.SEV2, "Partial service degradation", "uptime", "<", 100),
    Criterion(Severity.SEV2, "Non-critical security issue", cause="security."),
    Criterion(Severity.SEV3, "Performance issues affecting <50% users", USERS, ">", 0),
    Criterion(Severity.SEV3, "Performance issues affecting <50% users", "error_rate", ">", 1),
    Criterion(Severity.SEV3, "Performance issues affecting <50% users", "p95_response_time", ">", 2000, "ms"),
    Criterion(Severity.SEV4, "Cosmetic issues"),
)
"""The seed's "Severity Levels", by what can be measured. Over half of the requests slower than 2 s is p50 past it,
fewer than half is p95 past it: where a service has no ``users_affected``, its requests stand for its users."""

MEASURED = frozenset({DOWN, *(c.signal for c in DEFAULT_CRITERIA if c.signal)})
"""The figures of the default criteria."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The criterion that was met, and by what, in words; ``figures`` is all that was known then."""

    criterion: Criterion
    evidence: str
    figures: Mapping[str, float]

    @property
    def severity(self) -> Severity:
        """What it proposes."""
        return self.criterion.severity

    def data(self) -> dict[str, object]:
        """For the event ``severity.proposed``."""
        return {
            "severity": self.severity.label,
            "criterion": self.criterion.words,
            "condition": self.criterion.condition,
            "evidence": self.evidence,
            "figures": dict(self.figures),
        }


def judge(criteria: Sequence[Criterion], figures: Mapping[str, float], cause: str = "") -> Judgement | None:
    """The worst criterion that is met; of equally bad ones the first. None where nothing is known."""
    if not figures and not cause:
        return None
    for criterion in sorted(criteria, key=lambda c: c.severity):
        evidence = _met(criterion, figures, cause)
        if evidence:
            return Judgement(criterion, evidence, figures)
    return None


def _met(criterion: Criterion, figures: Mapping[str, float], cause: str) -> str:
    """What meets it, in words; empty where it is not met."""
    if criterion.cause:
        code = criterion.cause
        held = cause == code or (code.endswith(".") and cause.startswith(code))
        return f"the diagnosis named {cause}" if held else ""
    if criterion.signal:
        value = figures.get(criterion.signal)
        held = value is not None and OPERATORS[criterion.op](value, criterion.threshold)
        return f"{criterion.signal} is {value:.4g} {criterion.unit}".rstrip() if held else ""
    shown = ", ".join(f"{name} {value:.4g}" for name, value in sorted(figures.items()))
    return f"no worse criterion is met: {shown}" if figures else ""
