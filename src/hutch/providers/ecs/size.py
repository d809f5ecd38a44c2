"""How large the tasks of a release are, which sizes there may be, and the revision that has another one. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

FARGATE: Mapping[int, Sequence[int]] = {
    256: (512, 1024, 2048),
    512: range(1024, 4097, 1024),
    1024: range(2048, 8193, 1024),
    2048: range(4096, 16_385, 1024),
    4096: range(8192, 30_721, 1024),
    8192: range(16_384, 61_441, 4096),
    16_384: range(32_768, 122_881, 8192),
}
"""MiB that a task of so many CPU units may have; AWS: "Task CPU and memory", Amazon ECS Developer Guide."""
LEAST_CPU = 128
"""CPU units of a task on machines of one's own."""
AWS_OWN = frozenset({
    "taskDefinitionArn", "revision", "status", "requiresAttributes", "compatibilities", "registeredAt", "registeredBy",
    "deregisteredAt", "deleteRequestedAt",
})  # fmt: skip
"""What AWS says of a revision and nobody registers."""
SIZES = ("cpu", "memory")
Definition = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Size:
    """Of one task: CPU units (1024 are a CPU) and MiB of memory."""

    cpu: int
    memory: int

    def __str__(self) -> str:
        return f"{self.cpu} CPU units and {self.memory} MiB"

    def as_dict(self) -> dict[str, int]:
        """By the names of the action's arguments."""
        return {"cpu": self.cpu, "memory": self.memory}

    def changed(self, wanted: Mapping[str, int]) -> Size:
        """With those that are given."""
        return replace(self, **wanted)


def size_of(definition: Definition) -> Size | None:
    """The size of a release's tasks; None where it gives them none.

    >>> size_of({"cpu": "256", "memory": "512"}), size_of({"memory": "512"})
    (Size(cpu=256, memory=512), None)
    """
    found = [str(definition.get(name) or "") for name in SIZES]
    return Size(*map(int, found)) if all(text.isascii() and text.isdigit() for text in found) else None


def unfit(definition: Definition, now: Size, wanted: Size) -> str:
    """Why tasks of that release can't be of that size, or would gain nothing by it; else nothing."""
    if "FARGATE" in (definition.get("requiresCompatibilities") or ()):
        refused = _not_on_fargate(wanted)
    else:
        refused = f"a task has at least {LEAST_CPU} CPU units, not {wanted.cpu}" if wanted.cpu < LEAST_CPU else ""
    return refused or _too_small(definition, wanted) or _useless(definition, now, wanted)


def _not_on_fargate(wanted: Size) -> str:
    if wanted.cpu not in FARGATE:
        return f"Fargate has no task of {wanted.cpu} CPU units; it has: {', '.join(map(str, FARGATE))}"
    memory = FARGATE[wanted.cpu]
    if wanted.memory in memory:
        return ""
    few = f"from {memory[0]} to {memory[-1]} in steps of {memory[1] - memory[0]}"
    may = few if isinstance(memory, range) else ", ".join(map(str, memory))
    return f"Fargate has no task of {wanted}; with {wanted.cpu} CPU units the memory is {may}"


def _too_small(definition: Definition, wanted: Size) -> str:
    """Containers have sizes of their own within their task's."""
    rows = definition.get("containerDefinitions") or []
    large = next((row for row in rows if int(row.get("memory") or 0) > wanted.memory), None)
    if large:
        return f"its container {large.get('name')} has a limit of {large['memory']} MiB of its own, more than the task"
    for name, most, unit in (("cpu", wanted.cpu, "CPU units"), ("memoryReservation", wanted.memory, "MiB")):
        kept = sum(int(row.get(name) or 0) for row in rows)
        if kept > most:
            return f"its containers keep {kept} {unit} for themselves, more than the task's {most}"
    return ""


def _useless(definition: Definition, now: Size, wanted: Size) -> str:
    limits = [int(row.get("memory") or 0) for row in definition.get("containerDefinitions") or []]
    if wanted.memory <= now.memory or not limits or not all(limits) or sum(limits) > now.memory:
        return ""
    return "each of its containers has a memory limit of its own: register a revision with larger ones, and go to it"


def registration(definition: Definition, tags: Sequence[Mapping[str, Any]], wanted: Size) -> dict[str, Any]:
    """What is registered: the whole of that release, with another size and the same tags.

    >>> registration({"family": "web", "revision": 4, "cpu": "256", "memory": "512"}, [], Size(512, 1024))
    {'family': 'web', 'cpu': '512', 'memory': '1024'}
    """
    same = {name: value for name, value in definition.items() if name not in AWS_OWN}
    sized = {name: str(size) for name, size in wanted.as_dict().items()}
    return {**same, **sized, **({"tags": list(tags)} if tags else {})}
