"""The signals of a configuration: the built-in ones and its own, which may take the place of one of those."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hutch.detection.signals import SIGNALS, Measure, SignalSpec
from hutch.model.config import CustomSignal

PREFIX = "hutch_signal_"
"""Before the name of a custom signal: the metric that its answers are kept under."""


def metric_of(name: str) -> str:
    """The metric that holds what a custom signal's source answered."""
    return f"{PREFIX}{name}"


def catalogue(custom: Iterable[CustomSignal], service: str | None = None) -> Mapping[str, SignalSpec]:
    """Every signal by name; of ``service`` alone, where one is given."""
    mine = (signal for signal in custom if service is None or signal.meant_for(service))
    return {**SIGNALS, **{signal.name: _spec(signal) for signal in mine}}


def wanted(specs: Mapping[str, SignalSpec]) -> frozenset[str]:
    """The metrics that these are computed from: no other needs to be remembered."""
    return frozenset(name for spec in specs.values() for name in spec.given)


def _spec(signal: CustomSignal) -> SignalSpec:
    doc = signal.doc or f"by {signal.kind}"
    if signal.kind == "probe":
        where = (("probe", signal.query),)
        return SignalSpec(signal.name, signal.unit, signal.window, doc, "probe_success", Measure.PROBES, where=where)
    written = signal.query if signal.kind == "promql" else ""
    return SignalSpec(signal.name, signal.unit, signal.window, doc, metric_of(signal.name), promql=written)
