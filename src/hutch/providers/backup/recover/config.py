"""The settings of recovery, each with its unit and default, and their checked form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

from hutch.model.setting import above_zero
from hutch.ports import Setting

AUDIT = {"table": "audit_logs", "action": "action", "account": "user_id", "details": "details", "at": "created_at"}

SETTINGS = (
    Setting(
        "recover_url",
        "secret",
        "address for bringing rows back: a login that may INSERT into the tables, SELECT them and make temporary ones; "
        "without it nothing comes back",
    ),
    Setting("audit_log", "map", "names of the audit log's table and columns where they differ: "
            + ", ".join(f"{key} ({name})" for key, name in AUDIT.items())),
    Setting("audit_actions", "map", "what the audit log calls the deletion of a table's row, `*` for any text, where "
            "it is not the table's name in the singular and `.deleted`"),
    Setting("audit_keys", "map", "key in the audit log's details that names a table's row, where it is neither the "
            "table's name in the singular and `_id` nor the name of the column"),
    Setting("recover_max_rows", "int", "rows that one recovery may bring back", default=1_000_000),
    Setting("recover_timeout", "float", "seconds that one statement of bringing back may take", default=900.0),
    Setting("recover_lock_timeout", "float", "seconds that it waits for a lock", default=3.0),
    Setting("recover_keep_scratch", "float", "seconds that a scratch database is kept between preview, doing and "
            "verification", default=600.0),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RecoverConfig:
    """The settings as recovery uses them. The address never shows in a repr."""

    recover_url: str = field(repr=False)
    audit: Mapping[str, str]
    actions: Mapping[str, str]
    keys: Mapping[str, str]
    max_rows: int
    timeout: float
    lock_timeout: float
    keep_scratch: float

    def logging(self, names: Mapping[str, str]) -> RecoverConfig:
        """The same with other names of the audit log."""
        return replace(self, audit={**self.audit, **names}) if names else self


def recover_config(settings: Mapping[str, object]) -> RecoverConfig:
    """Check the values. ``ValueError`` names the setting and what it must be."""
    values = {setting.name: settings.get(setting.name, setting.default) for setting in SETTINGS}
    return RecoverConfig(
        recover_url=str(values["recover_url"] or ""),
        audit=_audit(_map(values, "audit_log")),
        actions=_map(values, "audit_actions"),
        keys=_map(values, "audit_keys"),
        max_rows=int(above_zero("backup", values, "recover_max_rows")),
        timeout=above_zero("backup", values, "recover_timeout"),
        lock_timeout=above_zero("backup", values, "recover_lock_timeout"),
        keep_scratch=above_zero("backup", values, "recover_keep_scratch"),
    )


def _audit(given: Mapping[str, str]) -> dict[str, str]:
    for key in given:
        if key not in AUDIT:
            near = get_close_matches(key, AUDIT, n=1)
            hint = f"nearest known: {near[0]}" if near else f"known: {', '.join(AUDIT)}"
            raise ValueError(f"backup: audit_log has no key {key!r}; {hint}")
    return {**AUDIT, **given}


def _map(values: Mapping[str, object], name: str) -> dict[str, str]:
    value = values[name] or {}
    if not isinstance(value, Mapping) or not all(isinstance(v, str) and v for v in value.values()):
        raise ValueError(f"backup: {name} must map names to names, not {value!r}")
    return {str(key): str(text) for key, text in value.items()}
