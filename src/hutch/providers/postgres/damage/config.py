"""The settings of looking for damage, and of copying what can be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hutch.ports import Setting

SETTINGS = (
    Setting(
        "damage_url",
        "secret",
        "address for looking for damage and for emergency copies: a login with pg_read_all_data that may execute "
        "amcheck's functions, better a superuser; else owner_url, operator_url, url",
    ),
    Setting("damage_timeout", "float", "seconds that looking at, or copying, one table or index may take",
            default=21600.0),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DamageConfig:
    """The settings as they are used. The address never shows in a repr."""

    url: str = field(repr=False)
    timeout: float


def damage_config(settings: Mapping[str, object]) -> DamageConfig:
    """Check the values. ``ValueError`` names the setting and what it must be."""
    seconds = settings.get("damage_timeout", SETTINGS[1].default)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds <= 0:
        raise ValueError(f"postgres: damage_timeout must be a number above 0, not {seconds!r}")
    names = ("damage_url", "owner_url", "operator_url", "url")
    url = next((str(settings[name]) for name in names if settings.get(name)), "")
    return DamageConfig(url, float(seconds))
