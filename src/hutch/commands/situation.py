"""What a runbook meets where it runs: the service, and the values and bindings that a person gives for one run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hutch.commands.context import Service


@dataclass(frozen=True, slots=True)
class Situation:
    """Where and for what a runbook runs: the service, and values and bindings given for this one run."""

    service: Service
    given: Mapping[str, str] = field(default_factory=dict)
    binds: Mapping[str, str] = field(default_factory=dict)
    incident: Mapping[str, str] = field(default_factory=dict)

    @property
    def values(self) -> dict[str, str]:
        """Placeholder values; what a person gives for this run wins."""
        return {**self.incident, **self.service.config.values, **self.given}

    def bound(self, name: str) -> str:
        """What a name of the document stands for here; empty when it is not bound."""
        table = {**self.service.config.binds, **self.binds}
        keys = (name, f"https://{name}", f"http://{name}")
        return next((table[k] for k in keys if k in table), "")

    def target(self, runner: str) -> str:
        """The target of the connection that runs ``runner`` or offers that action; empty when none does."""
        for connection in self.service.connections.values():
            if runner in connection.runs or runner in connection.actions:
                return connection.target
        return ""

    def reads(self, verb: str) -> bool:
        """Whether the configuration declares that verb as one that only reads."""
        connections = self.service.connections.values()
        return any(verb in c.runs for c in connections) and not any(verb in c.actions for c in connections)
