"""Everything of a local platform that drills have Hutch watch: beside what the demo has, trail and schema."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

LONG = 25
"""Seconds from which on a statement is long in drills: beyond those for which a no-fault is watched."""

TARGETS: Mapping[str, Mapping[str, Any]] = {
    "local": {"crash_window": 15},
    "postgres": {
        "slot_size": 16,
        "old_transaction_after": 8,
        "long_query_after": LONG,
        "lag_size": 16,
        "bloat_size": 16,
        "bloat_exact": True,
        "wraparound_used": 0.03,
    },
    "audit": {
        "url": {"file": "reader_url"},
        "operator_url": {"file": "operator_url"},
        "attack_over_after": 10,
        "copies": "copies",
    },
    "migrations": {
        "url": {"file": "reader_url"},
        "owner_url": {"file": "owner_url"},
        "pending_is_cause": True,
        "command": [sys.executable, "-m", "rolerabbit", "db", "up"],
        "down_command": [sys.executable, "-m", "rolerabbit", "db", "down"],
        "reset_command": [sys.executable, "-m", "rolerabbit", "db", "reset"],
        "seed_command": [sys.executable, "-m", "rolerabbit", "db", "seed"],
    },
}
"""Settings by provider; a ``file`` holds what the ready file has under its name. What has passed is over sooner than
by default, as rule durations are shorter, and little is much on a small database."""


def targets(ready: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The providers' blocks for a platform: of those whose addresses its ready file knows."""
    known = {
        name: dict(block)
        for name, block in TARGETS.items()
        if all(v["file"] in ready for v in block.values() if isinstance(v, Mapping))
    }
    if "edge_metrics" in ready:
        known["http"] = {"metrics": ready["edge_metrics"]}
    if "migrations" in known:
        further = str(ready["migrations_dir"])
        known["migrations"] |= {"folder": [str(_bundled()), further], "env": {"RR_MIGRATIONS_EXTRA": further}}
    return known


def hosted(ready: Mapping[str, Any], scales: bool = True) -> dict[str, dict[str, Any]]:
    """The same where the service is on a hosted platform, which has no word for the servers beside it: those are
    restarted by a command line. So is the service scaled where the platform has no word for that."""
    known = {name: block for name, block in targets(ready).items() if name != "local"}
    platform = [sys.executable, "-m", "rolerabbit", "platform"]
    restart = {
        "run": [*platform, "restart", "--component", "{component}"],
        "args": {"component": "redis|postgres"},
        "verify": [*platform, "status"],
        "expect": r'"postgres": \{\s*"running": true[^}]*\},\s*"redis": \{\s*"running": true',
        "timeout": 60,
    }
    scale = {
        "run": [*platform, "scale", "{replicas}"],
        "args": {"replicas": "[1-8]"},
        "verify": [*platform, "status"],
        "pending": r'"state": "(starting|backing-off)"',
        "expect": r'"state": "ready"',
        "timeout": 120,
    }
    return known | {
        "command": {
            "environment": {"RR_PLATFORM_URL": ready["api_url"]},
            "secrets": {"RR_PLATFORM_TOKEN": {"file": "token"}},
            "verbs": {"service.restart": restart, **({} if scales else {"service.scale": scale})},
        }
    }


def probes(ready: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The probes of what stands before a platform, where anything does; every 30 s, divided by the time scale."""
    if "edge_door" not in ready:
        return []
    return [
        {"name": "front door", "kind": "http", "target": ready["edge_door"], "ca": ready["edge_ca"], "interval": "30s"},
        {"name": "name", "kind": "dns", "target": ready["edge_name"], "server": ready["edge_names"],
         "answers": ["127.0.0.1"], "interval": "30s"},
    ]  # fmt: skip


def _bundled() -> Path:
    """The service's own migrations, found without importing it."""
    spec = importlib.util.find_spec("rolerabbit")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent / "migrations"
