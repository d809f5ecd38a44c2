"""How much CPU and memory each replica of a Railway service may have.

Railway merges what the service has of its own with what the plan gives, and tells both; a limit holds from the next
deployment on. A GB has 1,000,000,000 bytes here. (The published schema; docs.railway.com, "Scaling".)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isclose

from hutch.model.platform import figure
from hutch.providers.railway.calls import Operation, call
from hutch.providers.railway.client import Deployed
from hutch.providers.railway.config import Config
from hutch.remote import Args, Refused

LIMITS = Operation(
    "read the limits",
    "ServiceInstanceLimits",
    "query ServiceInstanceLimits($environmentId: String!, $serviceId: String!) {"
    " serviceInstanceLimits(environmentId: $environmentId, serviceId: $serviceId) }",
)
OWN = Operation(
    "read the service's own limits",
    "ServiceInstanceLimitOverride",
    "query ServiceInstanceLimitOverride($environmentId: String!, $serviceId: String!) {"
    " serviceInstanceLimitOverride(environmentId: $environmentId, serviceId: $serviceId) }",
    may_be_null=True,
)
SET = Operation(
    "set the limits",
    "ServiceInstanceLimitsUpdate",
    "mutation ServiceInstanceLimitsUpdate($input: ServiceInstanceLimitsUpdateInput!) {"
    " serviceInstanceLimitsUpdate(input: $input) }",
)
SIZES = ("vcpus", "memory_gb")
NAMES = {"cpu": "vcpus", "memoryBytes": "memory_gb"}
"""What Railway tells of a container, by the names of the action's arguments."""
GB = 1_000_000_000
NEAR = 1e-6
"""A share by which two figures may differ and be the same: Railway takes GB and tells bytes."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one replica."""

    vcpus: float
    memory_gb: float

    def __str__(self) -> str:
        return f"{self.vcpus:g} vCPUs and {self.memory_gb:g} GB"

    def as_dict(self) -> dict[str, float]:
        """By the names of the action's arguments."""
        return {"vcpus": self.vcpus, "memory_gb": self.memory_gb}

    def changed(self, given: Mapping[str, float]) -> Limits:
        """With those that are given."""
        return replace(self, **given)

    def same(self, other: Limits) -> bool:
        """Whether they are the same to Railway."""
        pairs = zip(self.as_dict().values(), other.as_dict().values(), strict=True)
        return all(isclose(one, two, rel_tol=NEAR) for one, two in pairs)


def limits_of(found: object) -> Limits:
    """What an answer says. :class:`Refused` for one of another form: what is not said is not guessed.

    >>> limits_of({"containers": {"cpu": 0.5, "memoryBytes": 8000000000}})
    Limits(vcpus=0.5, memory_gb=8)
    """
    told = _told(LIMITS, found)
    missing = ", ".join(key for key, name in NAMES.items() if name not in told)
    if missing:
        raise _odd(LIMITS, f"it has no {missing}")
    return Limits(**told)


def _told(asked: Operation, found: object) -> dict[str, float]:
    """Those that are said, by the names of the arguments."""
    containers = found.get("containers") if isinstance(found, dict) else None
    if not isinstance(containers, dict):
        raise _odd(asked, "it has no containers")
    rows = {key: containers[key] for key in NAMES if containers.get(key) is not None}
    bad = next((key for key, value in rows.items() if not _is_amount(value)), "")
    if bad:
        raise _odd(asked, f"its {bad} is no number above 0")
    return {NAMES[key]: _plain(value / GB if key == "memoryBytes" else value) for key, value in rows.items()}


def _odd(asked: Operation, why: str) -> Refused:
    return Refused(f"cannot {asked.doing}: Railway's answer is not of the expected form: {why}")


def _is_amount(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < float("inf")


def _plain(value: float) -> float:
    return int(value) if float(value).is_integer() else value


async def limits(config: Config) -> Limits:
    """What each replica may have from the next deployment on: the service's own, else the plan's."""
    return limits_of(await call(config, LIMITS, _place(config)))


async def inherited(config: Config) -> tuple[str, ...]:
    """Which of them are the plan's alone, by the names of the action's arguments."""
    found = await call(config, OWN, _place(config))
    own = {} if found is None else _told(OWN, found)
    return tuple(name for name in SIZES if name not in own)


def deployed_with(one: Deployed) -> dict[str, float] | None:
    """The limits of the service's own with which a deployment was made, those of its repository's file among them; None
    where Railway does not tell."""
    if "limitOverride" not in one.settings:
        return None
    found = one.settings["limitOverride"]
    try:
        return {} if found is None else _told(LIMITS, found)
    except Refused:
        return None


def has(one: Deployed, given: Mapping[str, float]) -> bool | None:
    """Whether a deployment was made with these of its own; None where Railway does not tell."""
    own = deployed_with(one)
    return None if own is None else all(isclose(own.get(n, 0), size, rel_tol=NEAR) for n, size in given.items())


async def set_limits(config: Config, wanted: Limits) -> None:
    """Ask, once, for both: what is not named would be left to Railway."""
    asked = {**_place(config), "vCPUs": wanted.vcpus, "memoryGB": wanted.memory_gb}
    if await call(config, SET, {"input": asked}) is not True:
        raise Refused("cannot set the limits: Railway says that it did not")


def sizes_in(args: Args) -> dict[str, float]:
    """Those among the arguments that can be sizes."""
    found = ((name, figure(args.get(name))) for name in SIZES)
    return {name: size for name, size in found if size}


def not_a_size(args: Args) -> str:
    """Why one of them is none, or nothing."""
    bad = next((name for name in SIZES if name in args and name not in sizes_in(args)), "")
    return f"{bad} must be a number above 0, as 2 or 0.5, not {args[bad]!r}" if bad else ""


def _place(config: Config) -> dict[str, str]:
    return {"environmentId": config.environment, "serviceId": config.service}
