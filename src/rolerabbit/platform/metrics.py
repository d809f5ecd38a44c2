"""Adds up the metrics of several replicas so that totals never go backwards when replicas come and go. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from prometheus_client.parser import text_string_to_metric_families

Series = tuple[str, tuple[tuple[str, str], ...]]
"""A sample's name and its sorted labels."""

ACCUMULATING = frozenset({"counter", "histogram", "summary"})
MAXIMUM_NAMES = frozenset({"active_users", "process_start_time_seconds"})
MAXIMUM_SUFFIXES = ("_info", "_timestamp_seconds")


@dataclass(frozen=True, slots=True)
class Family:
    """One metric: its name as exposed, type, help text and the value of each series."""

    name: str
    type: str
    help: str
    samples: Mapping[Series, float]

    @property
    def accumulates(self) -> bool:
        """Whether its values only grow while a process lives, and so are kept when it ends."""
        return self.type in ACCUMULATING


Families = Mapping[str, Family]


def parse(text: str) -> dict[str, Family]:
    """The families of an exposition in Prometheus' text format. ValueError if it isn't one.

    Series of ``_created`` times are left out: they have no meaning for a sum.
    """
    families = {}
    for metric in text_string_to_metric_families(text):
        if metric.name.endswith("_created"):
            continue
        samples = {
            (sample.name, tuple(sorted(sample.labels.items()))): float(sample.value)
            for sample in metric.samples
            if not sample.name.endswith("_created")
        }
        name = f"{metric.name}_total" if metric.type == "counter" else metric.name
        families[name] = Family(name, metric.type, metric.documentation, samples)
    return families


def combine(sources: Iterable[Families]) -> dict[str, Family]:
    """One value a series over all sources: the sum, or the largest for what counts the same thing everywhere."""
    combined: dict[str, Family] = {}
    for families in sources:
        for name, family in families.items():
            known = combined.get(name)
            combined[name] = family if known is None else replace(family, samples=_merge(known, family))
    return combined


def _merge(one: Family, other: Family) -> dict[Series, float]:
    largest = one.name in MAXIMUM_NAMES or one.name.endswith(MAXIMUM_SUFFIXES)
    merged = dict(one.samples)
    for series, value in other.samples.items():
        known = merged.get(series)
        merged[series] = value if known is None else max(known, value) if largest else known + value
    return merged


@dataclass(frozen=True, slots=True)
class Totals:
    """What was last seen of each living replica, and the sum of what the ended ones had counted."""

    living: Mapping[str, Families] = field(default_factory=dict)
    retired: Families = field(default_factory=dict)

    def seen(self, replica: str, families: Families) -> Totals:
        """With a newer reading of a replica."""
        return replace(self, living={**self.living, replica: families})

    def ended(self, replica: str) -> Totals:
        """The replica is gone: its counts stay, its gauges go."""
        last = self.living.get(replica, {})
        counts = {name: family for name, family in last.items() if family.accumulates}
        living = {name: families for name, families in self.living.items() if name != replica}
        return Totals(living, combine([self.retired, counts]))

    def families(self) -> dict[str, Family]:
        """The sum over ended and living replicas."""
        return combine([self.retired, *self.living.values()])


def gauge(name: str, help_text: str, value: float, **labels: str) -> Family:
    """A gauge with one series."""
    return Family(name, "gauge", help_text, {(name, tuple(sorted(labels.items()))): value})


def render(families: Iterable[Family]) -> str:
    """Prometheus' text format, version 0.0.4."""
    return "".join(_render_family(family) for family in families)


def _render_family(family: Family) -> str:
    kind = "untyped" if family.type == "unknown" else family.type
    help_text = family.help.replace("\\", "\\\\").replace("\n", "\\n")
    head = f"# HELP {family.name} {help_text}\n# TYPE {family.name} {kind}\n"
    lines = (f"{name}{_labels(labels)} {_number(value)}\n" for (name, labels), value in family.samples.items())
    return head + "".join(lines)


def _labels(labels: tuple[tuple[str, str], ...]) -> str:
    return "{" + ",".join(f'{name}="{_escape(value)}"' for name, value in labels) + "}" if labels else ""


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return "NaN" if math.isnan(value) else repr(value)
