"""What a runbook meets where it runs: the service, and the values and bindings that a person gives for one run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from hutch.commands.context import Service
from hutch.runbook.placeholders import normal
from hutch.runbook.values import Source, is_secret

GIVEN, EARLIER, LABELS = "--set", "an earlier step", "a label of the alert"
"""How the sources are called that a person, a capture and a sender of alerts are."""

OF_INCIDENT = frozenset({"incident-id", "incident-title", "incident-start", "incident-end", "severity"})
"""What an incident says of itself; whatever else it tells is a label of its alerts."""


@dataclass(frozen=True, slots=True)
class Situation:
    """Where and for what a runbook runs: the service, and values and bindings given for this one run.

    ``captured`` are values that earlier steps gave, ``later`` the names that steps before this one give when they run.
    """

    service: Service
    given: Mapping[str, str] = field(default_factory=dict)
    binds: Mapping[str, str] = field(default_factory=dict)
    incident: Mapping[str, str] = field(default_factory=dict)
    captured: Mapping[str, str] = field(default_factory=dict)
    later: frozenset[str] = frozenset()

    @property
    def sources(self) -> tuple[Source, ...]:
        """Where values come from, the first that has one wins; each says what it is. None gives a secret."""
        configured = Source(f"services.{self.service.name}.values", self.service.config.values)
        own = (self._given, Source(EARLIER, self.captured), self._incident, configured)
        found = (*own, *self.service.known, self._labels)
        handed = {normal(name) for name in self.service.config.secrets}
        return tuple(
            Source(s.said, {k: v for k, v in s.values.items() if not (is_secret(k) or normal(k) in handed)})
            for s in found
        )

    @property
    def trusted(self) -> tuple[Source, ...]:
        """The sources that somebody wrote: only these may say where a statement goes."""
        return tuple(s for s in self.sources if s.said not in (EARLIER, LABELS, self._incident.said))

    @property
    def _given(self) -> Source:
        return Source(GIVEN, self.given)

    @property
    def _incident(self) -> Source:
        own = {name: value for name, value in self.incident.items() if name in OF_INCIDENT}
        return Source(f"incident {self.incident.get('incident-id', '')}".rstrip(), own)

    @property
    def _labels(self) -> Source:
        """Last of all: what a sender says never stands before what is configured."""
        return Source(LABELS, {name: value for name, value in self.incident.items() if name not in OF_INCIDENT})

    @property
    def values(self) -> dict[str, str]:
        """Placeholder values by name, empty ones left out; what a step has yet to give is not among them."""
        layers = [{normal(k): v for k, v in s.values.items() if v.strip()} for s in reversed(self.sources)]
        known = {name: value for layer in layers for name, value in layer.items()}
        return {name: value for name, value in known.items() if name not in self.awaited}

    @property
    def awaited(self) -> frozenset[str]:
        """Names whose value a step gives that has not run yet."""
        return self.later - {*self.captured, *(normal(k) for k in self.given)}

    def capturing(self, names: Iterable[str]) -> Situation:
        """The situation of what stands after a step that captures ``names``."""
        found = frozenset(names)
        return replace(self, later=self.later | found) if found else self

    @property
    def table(self) -> dict[str, str]:
        """What names of documents stand for here: the service's bindings, and those of this one run."""
        return {**self.service.config.binds, **self.binds}

    def target(self, runner: str, args: Mapping[str, object] | None = None) -> str:
        """The target of the connection that runs ``runner`` or offers that action; empty when none does."""
        found = self.service.offering(runner, args or {})
        return found.target if found else ""

    def reads(self, verb: str) -> bool:
        """Whether the configuration declares that verb as one that only reads."""
        connections = self.service.connections.values()
        return any(verb in c.runs for c in connections) and not any(verb in c.actions for c in connections)
