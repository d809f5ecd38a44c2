"""The settings of a service's security and audit tables, each with its unit and default, and their checked form."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from hutch.model.setting import filled_text
from hutch.ports import Setting

SETTLING = 5.0
"""Seconds after a block or restriction in which attempts that were under way may still end up in the logs."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

TABLES = {
    "security": "security_logs",
    "audit": "audit_logs",
    "blocks": "ip_blocklist",
    "restrictions": "account_restrictions",
    "users": "users",
    "sessions": "user_sessions",
    "outbox": "outbox",
    "limits": "limit_steps",
    "profiles": "user_profiles",
}
COLUMNS = {
    "event": "event_type",
    "action": "action",
    "account": "user_id",
    "address": "ip_address",
    "details": "details",
    "at": "created_at",
    "reason": "reason",
    "blocked_until": "blocked_until",
    "restriction": "restriction",
    "restricted_until": "restricted_until",
    "limit": "kind",
    "divisor": "divisor",
    "stepped_until": "stepped_until",
    "user": "id",
    "email": "email",
    "language": "language",
    "expires_at": "expires_at",
    "revoked_at": "revoked_at",
    "reset_required": "password_reset_required",
    "key": "key_id",
}
EVENTS = {
    "failure": "LOGIN_FAILURE",
    "unauthorized": "UNAUTHORIZED_ACCESS",
    "success": "user.logged_in",
    "exported": "data.exported",
    "deleted": "*.deleted",
    "created": "*.created",
}
"""What the tables call what happened, ``*`` for any text: failure and unauthorized in ``security``, the rest in
``audit``."""


def _named(names: Mapping[str, str]) -> str:
    return ", ".join(f"{key} ({name})" for key, name in names.items())


SETTINGS = (
    Setting("url", "secret", "address of the service's database for reading; SELECT on the tables", required=True),
    Setting(
        "operator_url",
        "secret",
        "address for changes, a login that may SELECT as well, INSERT and UPDATE blocks, restrictions and limits, and "
        "for sessions.revoke UPDATE sessions and INSERT into audit, for letters.queue SELECT and INSERT outbox; "
        "for accounts.force_reset all of these and UPDATE users; without it they are refused",
    ),
    Setting("tables", "map", f"names of tables where they differ (schema.name works too): {_named(TABLES)}"),
    Setting("columns", "map", f"names of columns where they differ: {_named(COLUMNS)}"),
    Setting("events", "map", f"what the tables call events where it differs, * for any text: {_named(EVENTS)}"),
    Setting("account_key", "text", "key in the details that names the account of a failed log-in", default="account"),
    Setting("object_key", "text", "key in the details that names what was made or deleted", default="portfolio_id"),
    Setting(
        "copies",
        "folder",
        "folder in which evidence.preserve keeps copies of the trails, best one that who knows the service's passwords "
        "does not reach; without it they are refused",
    ),
    Setting("window", "float", "seconds over which failed log-ins and refused requests count", default=3600.0),
    Setting("failures_per_address", "int", "failed log-ins from one address that are too many", default=10),
    Setting("failures_per_account", "int", "failed log-ins on one account that are too many", default=10),
    Setting("distributed_addresses", "int", "addresses from which an attack on one account is distributed", default=5),
    Setting("crowd_addresses", "int", "addresses where nobody logs in that make an attack of many", default=20),
    Setting("crowd_failures", "int", "their failed log-ins together, of one at most one too many", default=100),
    Setting("crowd_tries", "int", "accounts that one of them tries from which on it may be blocked", default=3),
    Setting("max_crowd", "int", "addresses that one action may block together at most", default=5000),
    Setting("typos", "int", "failures in a row before a success of the same account and address: typos", default=8),
    Setting("attack_over_after", "float", "seconds without an attempt after which an attack is over", default=300.0),
    Setting("neighbour_days", "int", "days over which other users' log-ins from an address count", default=7),
    Setting("neighbours", "int", "other users behind an address with which it may still be blocked", default=0),
    Setting("unauthorized_per_source", "int", "refused requests of one account or address: too many", default=10),
    Setting("export_window", "float", "seconds over which exports count", default=86400.0),
    Setting("exports_per_account", "int", "exports of one account that are never too many", default=5),
    Setting("deletion_window", "float", "seconds over which deletions count", default=3600.0),
    Setting("deletions_per_account", "int", "deletions by one account that are never too many", default=20),
    Setting("usual_factor", "float", "times its own and everybody's usual at which something is unusual", default=3.0),
    Setting("history_days", "int", "days of history that say what is usual", default=14),
    Setting("habit_days", "int", "days on which an account must have done it for a habit of its own", default=3),
    Setting("open_for", "float", "seconds that a finished export or deletion stays a cause", default=3600.0),
    Setting("block_minutes", "int", "minutes for which a proposed block lasts", default=1440),
    Setting("block_growth", "float", "times longer that a block proposed for a repeat lasts, each time", default=2.0),
    Setting("repeat_days", "int", "days after its end for which a block makes the next one a repeat", default=30),
    Setting("max_block_minutes", "int", "minutes that a block may last at most", default=10080),
    Setting("step_divisor", "int", "times fewer log-ins that a proposed step of the rate limits allows", default=6),
    Setting("step_minutes", "int", "minutes for which a proposed step of the rate limits lasts", default=60),
    Setting("max_step_minutes", "int", "minutes that a step of the rate limits may last at most", default=1440),
    Setting("restrict_hours", "int", "hours for which a proposed restriction lasts", default=24),
    Setting("max_restrict_hours", "int", "hours that a restriction may last at most", default=720),
    Setting("protected", "list", "networks that are never blocked: our own, our proxies', our probes'", default=()),
    Setting("protected_accounts", "list", "user ids or mail addresses that are never restricted", default=()),
    Setting("connect_timeout", "float", "seconds to wait for a connection", default=3.0),
    Setting("statement_timeout", "float", "seconds that one statement may take", default=5.0),
    Setting("letters_timeout", "float", "seconds that a statement over all letters may take", default=120.0),
    Setting("lock_timeout", "float", "seconds that a statement waits for a lock", default=2.0),
)


@dataclass(frozen=True, slots=True)
class Config:
    """The settings as the provider uses them, in the units of their documentation. Addresses never show in a repr."""

    url: str = field(repr=False)
    operator_url: str = field(repr=False)
    tables: Mapping[str, str]
    columns: Mapping[str, str]
    events: Mapping[str, str]
    copies: str
    protected: tuple[Network, ...]
    protected_accounts: tuple[str, ...]
    texts: Mapping[str, str]
    numbers: Mapping[str, float]

    def number(self, name: str) -> float:
        """A float setting."""
        return self.numbers[name]

    def whole(self, name: str) -> int:
        """An int setting."""
        return int(self.numbers[name])


def config_from(settings: Mapping[str, object]) -> Config:
    """Check the values. ``ValueError`` names the setting and what it must be, never the value of a secret."""
    values = {setting.name: settings.get(setting.name, setting.default) for setting in SETTINGS}
    return Config(
        url=_address(values, "url"),
        operator_url=_address(values, "operator_url", optional=True),
        tables=_names(values, "tables", TABLES),
        columns=_names(values, "columns", COLUMNS),
        events=_names(values, "events", EVENTS),
        copies=str(values["copies"] or ""),
        protected=tuple(_network(text) for text in _list(values, "protected")),
        protected_accounts=tuple(text.lower() for text in _list(values, "protected_accounts")),
        texts={s.name: filled_text("audit", values, s.name) for s in SETTINGS if s.kind == "text"},
        numbers={s.name: _number(values, s.name) for s in SETTINGS if s.kind in ("int", "float")},
    )


def _address(values: Mapping[str, object], name: str, optional: bool = False) -> str:
    value = values[name]
    if optional and value is None:
        return ""
    if not isinstance(value, str) or not value:
        raise ValueError(f"audit: {name} must be a database address such as postgresql://user@host:5432/name")
    return value


def _number(values: Mapping[str, object], name: str) -> float:
    value = values[name]
    least = 0 if name == "neighbours" else 1e-9
    if isinstance(value, bool) or not isinstance(value, int | float) or value < least:
        raise ValueError(f"audit: {name} must be a number above 0, not {value!r}")
    return float(value)


def _list(values: Mapping[str, object], name: str) -> tuple[str, ...]:
    value = values[name]
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise ValueError(f"audit: {name} must be a list of texts, not {value!r}")
    return tuple(str(item) for item in value)


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError(
            f"audit: protected must list networks such as 203.0.113.0/24 or addresses, not {text!r}"
        ) from None


def _names(values: Mapping[str, object], name: str, defaults: Mapping[str, str]) -> dict[str, str]:
    value = values[name]
    given = {} if value is None else value
    if not isinstance(given, Mapping) or not all(isinstance(text, str) and text for text in given.values()):
        raise ValueError(f"audit: {name} must map {', '.join(defaults)} to names, not {value!r}")
    for key in given:
        if key not in defaults:
            near = get_close_matches(str(key), defaults, n=1)
            hint = f"nearest known: {near[0]}" if near else f"known: {', '.join(defaults)}"
            raise ValueError(f"audit: {name} has no key {key!r}; {hint}")
    return {**defaults, **{str(key): str(text) for key, text in given.items()}}
