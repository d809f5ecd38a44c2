"""What the service reads from its environment, checked once at the start."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeVar, cast
from urllib.parse import urlsplit

from rolerabbit.keys import Ring, RingError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Environment = Literal["development", "production"]
Fault = Literal["", "leak", "errors", "crash", "slow", "seldom-slow"]
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` in `seconds`."""

    count: int
    seconds: int


LIMITS: Final[Mapping[str, Limit]] = {
    "login_address": Limit(60, 60),
    "login_account": Limit(30, 60),
    "signup_address": Limit(300, 60),
    "reset_address": Limit(60, 600),
    "reset_account": Limit(5, 600),
    "export_address": Limit(240, 60),
    "export_account": Limit(60, 60),
    "report_address": Limit(20, 600),
}
"""The rate limits and their defaults; `login_address` is set by `RR_LIMIT_LOGIN_ADDRESS=60/60`. Of log-ins only those
that fail count."""
CACHE_SECONDS: Final = 5
LONGEST_CACHE_SECONDS: Final = 300

LEAST_MEMORY_MB: Final = 256
"""Below it the process may not even come up."""
MOST_ROOM: Final = 1_000_000
CONNECT_TIMEOUT_S: Final = 2
STATEMENT_TIMEOUT_MS: Final = 10_000


class ConfigError(ValueError):
    """A setting is missing or wrong; the text names the variable, what was found and what is expected."""


@dataclass(frozen=True, slots=True)
class Settings:
    """One replica's settings. `database_url` carries a password and is kept out of the representation."""

    database_url: str = field(repr=False)
    environment: Environment = "production"
    release: str = "dev"
    pool_size: int = 10
    pool_timeout: float = 2.0
    """Seconds that a request waits for a free connection before it is answered 503."""
    fault: Fault = ""
    redis_url: str | None = field(default=None, repr=False)
    trusted_proxies: tuple[Network, ...] = ()
    limits: Mapping[str, Limit] = field(default_factory=lambda: LIMITS)
    cache_seconds: int = CACHE_SECONDS
    """How long public pages and lists are kept at most; 0: not at all."""
    jwt_keys: Ring = field(default_factory=Ring.fresh, repr=False)
    encryption_keys: Ring = field(default_factory=Ring.fresh, repr=False)
    smtp_url: str = ""
    """Where the outbox is sent to; nothing leaves it without one."""
    mail_per_second: int = 50
    memory_mb: int = 0
    cpu_units: int = 0
    """What the process keeps itself within; 0: as it is."""

    @property
    def application_name(self) -> str:
        """How this release's sessions are called in `pg_stat_activity`."""
        return f"rolerabbit-api/{self.release}"

    @property
    def connect_options(self) -> dict[str, Any]:
        """Keyword arguments that every connection of this service is opened with."""
        return {
            "application_name": self.application_name,
            "connect_timeout": CONNECT_TIMEOUT_S,
            "options": f"-c statement_timeout={STATEMENT_TIMEOUT_MS}",
        }


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Settings from `environ`; raises `ConfigError` on the first variable that is missing or wrong."""
    return Settings(
        database_url=database_url(environ),
        environment=environment(environ),
        release=_release(environ.get("RR_RELEASE") or "dev"),
        pool_size=_parsed(environ, "RR_POOL_SIZE", "10", _whole, "a whole number from 1 to 1000"),
        pool_timeout=_parsed(environ, "RR_POOL_TIMEOUT", "2", _seconds, "seconds above 0 and at most 60"),
        fault=cast(Fault, _one_of(environ, "RR_FAULT", ("", "leak", "errors", "crash", "slow", "seldom-slow"), "")),
        redis_url=_redis_url(environ.get("REDIS_URL", "")),
        trusted_proxies=_parsed(environ, "TRUSTED_PROXIES", "", _networks, "networks such as 10.0.0.0/8, by commas"),
        limits={name: _limit(environ, name, default) for name, default in LIMITS.items()},
        cache_seconds=_parsed(environ, "RR_CACHE_SECONDS", str(CACHE_SECONDS), _cache_seconds, "0 to 300 seconds"),
        jwt_keys=_ring(environ, "JWT_KEYS"),
        encryption_keys=_ring(environ, "ENCRYPTION_KEYS"),
        smtp_url=_smtp_url(environ.get("SMTP_URL", "")),
        mail_per_second=_parsed(environ, "RR_MAIL_PER_SECOND", "50", _whole, "a whole number from 1 to 1000"),
        memory_mb=_parsed(environ, "RR_MEMORY_MB", "0", _room(LEAST_MEMORY_MB), f"0, or MiB from {LEAST_MEMORY_MB}"),
        cpu_units=_parsed(environ, "RR_CPU_UNITS", "0", _room(1), "0, or a whole number of CPU units"),
    )


def database_url(environ: Mapping[str, str]) -> str:
    """`DATABASE_URL`; raises `ConfigError` where it is missing or is no Postgres URL."""
    url = environ.get("DATABASE_URL", "")
    if not url.startswith(("postgresql://", "postgres://")):
        found = "is not set" if not url else "is not a Postgres URL"
        raise ConfigError(f"DATABASE_URL {found}: set it to postgresql://USER:PASSWORD@HOST:PORT/DATABASE")
    return url


def environment(environ: Mapping[str, str]) -> Environment:
    """`RR_ENV`; production where it is not set."""
    return cast(Environment, _one_of(environ, "RR_ENV", ("development", "production"), "production"))


def _one_of(environ: Mapping[str, str], name: str, allowed: tuple[str, ...], default: str) -> str:
    value = environ.get(name, default)
    if value not in allowed:
        raise ConfigError(f"{name}={value!r}: expected one of {', '.join(repr(a) for a in allowed)}")
    return value


def _parsed(environ: Mapping[str, str], name: str, default: str, parse: Callable[[str], _T], expected: str) -> _T:
    text = environ.get(name, default)
    try:
        return parse(text)
    except ValueError as error:
        raise ConfigError(f"{name}={text!r}: expected {expected}") from error


def _redis_url(url: str) -> str | None:
    if url and not url.startswith(("redis://", "rediss://")):
        raise ConfigError("REDIS_URL is not a Redis URL: set it to redis://:PASSWORD@HOST:PORT/0, or leave it out")
    return url or None


def _ring(environ: Mapping[str, str], name: str) -> Ring:
    """A ring of the environment; in development one that is new at each start will do."""
    text = environ.get(name, "")
    if not text and environment(environ) == "development":
        return Ring.fresh()
    if not text:
        raise ConfigError(
            f"{name} is not set: make a key with `rolerabbit keys new` and keep it where secrets are kept"
        )
    try:
        return Ring.parse(text)
    except RingError as error:
        raise ConfigError(f"{name}: {error}; a ring is ID:BASE64, by commas, the key that signs first") from error


def _smtp_url(url: str) -> str:
    if url and (urlsplit(url).scheme != "smtp" or not urlsplit(url).hostname):
        raise ConfigError("SMTP_URL is no address of a mail server: set it to smtp://HOST:PORT, or leave it out")
    return url


def _limit(environ: Mapping[str, str], name: str, default: Limit) -> Limit:
    text = f"{default.count}/{default.seconds}"
    return _parsed(environ, f"RR_LIMIT_{name.upper()}", text, _count_per_seconds, "COUNT/SECONDS such as 60/60")


def _count_per_seconds(text: str) -> Limit:
    count, _, seconds = text.partition("/")
    limit = Limit(int(count), int(seconds))
    if not (1 <= limit.count <= 1_000_000 and 1 <= limit.seconds <= 86_400):
        raise ValueError(text)
    return limit


def _cache_seconds(text: str) -> int:
    number = int(text)
    if not 0 <= number <= LONGEST_CACHE_SECONDS:
        raise ValueError(text)
    return number


def _room(least: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        number = int(text)
        if number and not least <= number <= MOST_ROOM:
            raise ValueError(text)
        return number

    return parse


def _release(text: str) -> str:
    # Postgres cuts application_name at 63 bytes; the prefix takes 15.
    if len(text) > 40 or not all(c.isascii() and (c.isalnum() or c in "._-") for c in text):
        raise ConfigError(f"RR_RELEASE={text!r}: expected at most 40 letters, digits, dots, dashes or underscores")
    return text


def _whole(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 1000:
        raise ValueError(text)
    return number


def _seconds(text: str) -> float:
    number = float(text)
    if not 0 < number <= 60:
        raise ValueError(text)
    return number


def _networks(text: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())
