"""The settings of a Prometheus target, each with its unit and default, and their checked form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from hutch.ports import Setting

METRICS = (
    "http_requests_total", "http_request_duration_seconds_bucket", "active_users", "probe_success",
    "probe_duration_seconds", "probe_duration_milliseconds",
    "db_cpu", "db_connections", "db_connections_used", "db_query_milliseconds_total",
    "db_queries_total", "cache_requests_total", "db_size", "disk_used", "cpu", "memory", "network_in", "network_out",
)  # fmt: skip
"""What the built-in signals are computed from."""

SETTINGS = (
    Setting("url", "secret", "address of the server, such as http://prometheus:9090; may hold user and password",
            required=True),
    Setting("token", "secret", "bearer token for it", default=None),
    Setting("match", "text", 'label matchers that pick the service\'s series; empty: job="SERVICE"', default=""),
    Setting("metrics", "list", "the metrics that are taken from it", default=METRICS),
    Setting("timeout", "float", "seconds to wait for a whole answer", default=5.0),
)  # fmt: skip

_NAME = re.compile(r"[a-zA-Z_:][\w:]*")
_MATCH = re.compile(r"""\s*[a-zA-Z_]\w*\s*(?:=|!=|=~|!~)\s*"(?:[^"\\]|\\.)*"\s*""")


@dataclass(frozen=True, slots=True)
class Config:
    """The settings as the provider uses them. Address and token never show in a repr."""

    url: str = field(repr=False)
    token: str = field(repr=False)
    match: str
    metrics: tuple[str, ...]
    timeout: float

    @property
    def host(self) -> str:
        """The server's host and port, without what it may know us by."""
        return urlsplit(self.url).netloc.rpartition("@")[2]


def config_from(service: str, settings: Mapping[str, object]) -> Config:
    """Check the values. ``ValueError`` names the setting and what it must be."""
    values = {setting.name: settings.get(setting.name, setting.default) for setting in SETTINGS}
    own = service.replace("\\", "\\\\").replace('"', '\\"')
    timeout = values["timeout"]
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or timeout <= 0:
        raise ValueError(f"prometheus: timeout must be a number above 0, not {timeout!r}")
    url = _address(values["url"])
    if values["token"] and urlsplit(url).username is not None:
        raise ValueError("prometheus: give a token, or user and password in url, not both")
    return Config(
        url=url,
        token=str(values["token"] or ""),
        match=_matchers(str(values["match"] or f'job="{own}"')),
        metrics=_names(values["metrics"]),
        timeout=float(timeout),
    )


def _address(value: object) -> str:
    parts = urlsplit(value) if isinstance(value, str) else urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("prometheus: url must be an address such as http://prometheus:9090")
    return str(value).rstrip("/")


def _matchers(text: str) -> str:
    rest = text.strip().strip("{}")
    if not re.fullmatch(rf"{_MATCH.pattern}(?:,{_MATCH.pattern})*", rest):
        raise ValueError(f'prometheus: match must be label matchers such as job="shop",env="prod", not {text!r}')
    return rest


def _names(value: object) -> tuple[str, ...]:
    names = tuple(str(item) for item in value) if isinstance(value, list | tuple) else ()
    if not names or not all(_NAME.fullmatch(name) for name in names):
        raise ValueError(f"prometheus: metrics must be a list of metric names, not {value!r}")
    return names
