"""The settings of a local platform, each with its unit and default, and their checked form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from hutch.ports import Setting

MAX_REPLICAS = 8
BOUNDS = {"pool_size": (1, 200), "cache_seconds": (0, 300)}
"""The platform's own bounds: of the replicas, and of what each is given."""

SETTINGS = (
    Setting("url", "url", "address of the platform's API, api_url of its ready file", required=True),
    Setting("token", "secret", "token for changes; without it nothing can be changed"),
    Setting("timeout", "float", "seconds that a reading call may take", default=5.0),
    Setting(
        "change_timeout", "float", "seconds that a change may take; the platform itself gives up at 60", default=70.0
    ),
    Setting(
        "crash_window", "float", "seconds in which a replica that was started again counts as crashed", default=60.0
    ),
    Setting(
        "lately",
        "float",
        "seconds after its deployment in which a crashing release is left",
        default=1800.0,
    ),
    Setting("sample_gap", "float", "seconds between the two looks at the load", default=1.0),
    Setting(
        "wait_bad",
        "float",
        "milliseconds of waiting for a pool's connection that are trouble",
        default=250.0,
    ),
    Setting("in_flight_bad", "float", "requests that one replica works on at once that are trouble", default=32.0),
    Setting("db_cpu_bad", "float", "% of the database's CPUs from which waiting is the database's doing", default=85.0),
    Setting("fresh_within", "float", "seconds in which all replicas must have begun after a restart", default=300.0),
)


@dataclass(frozen=True, slots=True)
class Config:
    """The settings as the provider uses them. The token never shows in a repr."""

    url: str
    token: str = field(repr=False)
    timeout: float
    change_timeout: float
    crash_window: float
    lately: float
    sample_gap: float
    wait_bad: float
    in_flight_bad: float
    db_cpu_bad: float
    fresh_within: float

    @property
    def target(self) -> str:
        """Host and port of the API."""
        return urlsplit(self.url).netloc.rpartition("@")[2]


def config_from(settings: Mapping[str, object]) -> Config:
    """Check the values. ``ValueError`` names the setting and what it must be, never the token."""
    values = {setting.name: settings.get(setting.name, setting.default) for setting in SETTINGS}
    numbers = {setting.name: _number(values, setting.name) for setting in SETTINGS if setting.kind == "float"}
    return Config(url=_address(values["url"]), token=_token(values["token"]), **numbers)


def _address(value: object) -> str:
    parts = urlsplit(value) if isinstance(value, str) else urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
        raise ValueError("local: url must be an address such as http://127.0.0.1:8700, without user and password")
    return str(value).rstrip("/")


def _token(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or not value.isascii() or not value.isprintable():
        raise ValueError("local: token must be text on one line")
    return value


def _number(values: Mapping[str, object], name: str) -> float:
    value = values[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise ValueError(f"local: {name} must be a number above 0, not {value!r}")
    return float(value)
