"""The settings of a Redis target, each with its unit and default, and their checked form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hutch.model.setting import above_zero
from hutch.ports import Setting

SETTINGS = (
    Setting("url", "secret", "address: redis://user:password@host:6379/0, rediss:// (TLS) or unix://", required=True),
    Setting(
        "operator_url",
        "secret",
        "address for changes, a login that may CONFIG SET; without it changes go by `url`",
    ),
    Setting("connect_timeout", "float", "seconds to wait for a connection", default=2.0),
    Setting("timeout", "float", "seconds to wait for an answer to one of our own commands", default=2.0),
    Setting("sample_gap", "float", "seconds between the two looks of one check", default=1.0),
    Setting("memory_warn", "float", "% of maxmemory that deserves a look", default=80.0),
    Setting(
        "memory_bad", "float", "% of maxmemory that is trouble where the policy forbids to evict anything", default=99.5
    ),
    Setting("evicting_bad", "float", "keys evicted per second from which evicting may be trouble", default=1.0),
    Setting("misses_bad", "float", "% of look-ups that miss while keys are evicted that is trouble", default=50.0),
    Setting("clients_warn", "float", "% of maxclients that deserves a look", default=80.0),
    Setting("clients_bad", "float", "% of maxclients that is trouble", default=95.0),
    Setting("latency_warn", "float", "milliseconds of a PING that deserve a look", default=100.0),
    Setting("slow_window", "float", "seconds back in which slow commands count", default=10.0),
    Setting("slow_share", "float", "% of that time spent in slow commands that is trouble", default=10.0),
    Setting(
        "memory_share",
        "float",
        "% of the machine's memory up to which redis.set_maxmemory may raise maxmemory",
        default=60.0,
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Config:
    """The settings as the provider uses them, all numbers as floats. The addresses never show in a repr."""

    url: str = field(repr=False)
    operator_url: str = field(repr=False)
    connect_timeout: float
    timeout: float
    sample_gap: float
    memory_warn: float
    memory_bad: float
    evicting_bad: float
    misses_bad: float
    clients_warn: float
    clients_bad: float
    latency_warn: float
    slow_window: float
    slow_share: float
    memory_share: float


def config_from(settings: Mapping[str, object]) -> Config:
    """Check the values. ``ValueError`` names the setting and what it must be, never the value of a secret."""
    values = {setting.name: settings.get(setting.name, setting.default) for setting in SETTINGS}
    numbers = {
        setting.name: above_zero("redis", values, setting.name) for setting in SETTINGS if setting.kind == "float"
    }
    return Config(url=_text(values, "url"), operator_url=_text(values, "operator_url", optional=True), **numbers)


def _text(values: Mapping[str, object], name: str, optional: bool = False) -> str:
    value = values[name]
    if optional and value is None:
        return ""
    if not isinstance(value, str) or not value:
        raise ValueError(f"redis: {name} must be an address such as redis://host:6379/0")
    return value
