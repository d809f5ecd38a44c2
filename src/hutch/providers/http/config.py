"""The settings of an HTTP target, each with its unit and default, and their checked form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

from hutch.model.setting import above_zero
from hutch.ports import Setting

SETTINGS = (
    Setting(
        "url", "url", "address of the service, such as https://rolerabbit.com", required=True, fills=("service-url",)
    ),
    Setting("health", "text", "path or address of the health endpoint; empty: none is probed", default="/api/health"),
    Setting("metrics", "text", "path or address of metrics in Prometheus' text format; empty: none", default=""),
    Setting("expect_status", "int", "status of a healthy answer", default=200),
    Setting("timeout", "float", "seconds to wait for a whole answer", default=5.0),
    Setting("sample_gap", "float", "seconds between two looks at the counters", default=1.0),
    Setting("sample_looks", "int", "how often to look again while too few requests came in", default=3),
    Setting("min_requests", "int", "requests needed to judge errors and times", default=5),
    Setting("error_rate_bad", "float", "% of 5xx answers that is trouble, when exceeded", default=5.0),
    Setting("slow_p95", "float", "95 % of the answers within this many ms; trouble, when exceeded", default=1000.0),
    Setting("wait_bad", "float", "milliseconds of waiting for a pool's connection that are trouble", default=250.0),
    Setting("in_flight_bad", "float", "requests that one replica works on at once that are trouble", default=32.0),
    Setting("db_cpu_bad", "float", "% of the database's CPUs from which waiting is the database's doing", default=85.0),
    Setting(
        "ignore_paths", "list", "paths that monitoring itself asks for", default=("/metrics", "/api/health")
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Config:
    """The settings as the provider uses them; ``health`` and ``metrics`` are whole addresses, empty for none."""

    url: str = field(repr=False)
    health: str = field(repr=False)
    metrics: str = field(repr=False)
    expect_status: int
    timeout: float
    sample_gap: float
    sample_looks: int
    min_requests: int
    error_rate_bad: float
    slow_p95: float
    wait_bad: float
    in_flight_bad: float
    db_cpu_bad: float
    ignore_paths: frozenset[str]


def config_from(settings: Mapping[str, object]) -> Config:
    """Check the values. ``ValueError`` names the setting and what it must be."""
    values = {setting.name: settings.get(setting.name, setting.default) for setting in SETTINGS}
    url = _address("url", values["url"])
    return Config(
        url=url,
        health=_below(url, "health", values["health"]),
        metrics=_below(url, "metrics", values["metrics"]),
        expect_status=int(above_zero("http", values, "expect_status")),
        timeout=above_zero("http", values, "timeout"),
        sample_gap=above_zero("http", values, "sample_gap"),
        sample_looks=int(above_zero("http", values, "sample_looks")),
        min_requests=int(above_zero("http", values, "min_requests")),
        error_rate_bad=above_zero("http", values, "error_rate_bad"),
        slow_p95=above_zero("http", values, "slow_p95"),
        wait_bad=above_zero("http", values, "wait_bad"),
        in_flight_bad=above_zero("http", values, "in_flight_bad"),
        db_cpu_bad=above_zero("http", values, "db_cpu_bad"),
        ignore_paths=_paths(values["ignore_paths"]),
    )


def _address(name: str, value: object) -> str:
    parts = urlsplit(value) if isinstance(value, str) else urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"http: {name} must be an address such as https://rolerabbit.com")
    return str(value)


def _below(url: str, name: str, value: object) -> str:
    if value in (None, "", False):
        return ""
    if not isinstance(value, str):
        raise ValueError(f"http: {name} must be a path such as /api/health or a whole address")
    return _address(name, urljoin(url.rstrip("/") + "/", value) if "://" not in value else value)


def _paths(value: object) -> frozenset[str]:
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise ValueError(f"http: ignore_paths must be a list of paths, not {value!r}")
    return frozenset(str(item) for item in value)
