"""Which findings of the HTTP checks mean which cause. Pure; imports no client."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from hutch.model.finding import Cause, Finding, Object, Remedy, Status

CODES: Mapping[str, str] = {
    "http.unreachable": "the service gives no HTTP answer",
    "http.dns": "the service's name has no address",
    "http.error_rate": "too large a part of the answers is 5xx",
    "http.slow": "the answers take too long",
}

RESTART = Remedy("service.restart", "", {}, "restart the service", rank=30)


def explain(findings: Sequence[Finding]) -> Sequence[Cause]:
    """The causes that the HTTP findings show; findings of other providers are left to them."""
    bad = [f for f in findings if f.status is Status.BAD]
    causes = [*(_of_health(f) for f in bad if f.check == "http.health")]
    causes += [_error_rate(f) for f in bad if f.check == "http.requests" and f.data.get("failing")]
    causes += [_slow(f) for f in bad if f.check == "http.requests" and f.data.get("slow")]
    return _surest(cause for cause in causes if cause)


def _surest(causes: Iterable[Cause]) -> list[Cause]:
    """One cause of each code and target: the metrics are surer than one probe."""
    best: dict[tuple[str, str], Cause] = {}
    for cause in sorted(causes, key=lambda c: -c.confidence):
        best.setdefault((cause.code, cause.target), cause)
    return list(best.values())


def _service(finding: Finding) -> Object:
    return Object("service", str(finding.data.get("service", "")))


def _of_health(finding: Finding) -> Cause | None:
    kind, host = finding.data.get("kind"), str(finding.data.get("host", ""))
    if kind == "lookup":
        return Cause("http.dns", Object("host", host), 0.9, finding.summary, finding.target, finding.evidence)
    if kind != "answered":
        seen = Cause("http.unreachable", Object("host", host), 0.85, finding.summary, finding.target, finding.evidence)
        return _curable(seen)
    status = finding.data.get("status")
    if not isinstance(status, int) or status < 500:
        return None
    return _curable(Cause("http.error_rate", _service(finding), 0.6, finding.summary, finding.target, finding.evidence))


def _curable(cause: Cause) -> Cause:
    return Cause(
        cause.code, cause.object, cause.confidence, cause.summary, cause.target, cause.evidence, (RESTART,), cause.since
    )


def _error_rate(finding: Finding) -> Cause:
    rate = finding.data.get("error_rate", 0.0)
    said = f"{rate:.0f} % of the answers are 5xx"
    return Cause("http.error_rate", _service(finding), 0.8, said, finding.target, finding.evidence, (RESTART,))


def _slow(finding: Finding) -> Cause:
    said = f"95 % of the answers take up to {finding.data.get('p95', 0.0):.0f} ms"
    return Cause("http.slow", _service(finding), 0.7, said, finding.target, finding.evidence)
