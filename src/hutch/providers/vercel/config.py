"""The settings of a Vercel project, each with its unit and default, and their checked form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hutch.model.setting import above_zero, named_texts
from hutch.ports import Setting

SETTINGS = (
    Setting("project", "text", "name or id (`prj_…`) of the project", required=True, fills=("project",)),
    Setting("token", "secret", "access token for reading", required=True),
    Setting("change_token", "secret", "access token for changes; with it they are offered"),
    Setting("changes", "bool", "offer changes with the reading token", default=False),
    Setting("team", "text", "id of the team (`team_…`); empty: the token's own account", default=""),
    Setting(
        "secrets", "map", "secrets that may be rotated: a name of yours, and its variable in production", default=None
    ),
    Setting("timeout", "float", "seconds that one call may take", default=10.0),
    Setting("patience", "float", "seconds that a call waits at most when Vercel asks to call later", default=30.0),
    Setting("rollout", "float", "seconds that a change waits for Vercel to carry it out", default=900.0),
    Setting("look_every", "float", "seconds between two looks at a change under way", default=3.0),
    Setting("url", "text", "address of the REST API", default="https://api.vercel.com"),
    Setting("logs_url", "text", "address at which logs are searched", default="https://vercel.com"),
)


@dataclass(frozen=True, slots=True)
class Config:
    """The settings as the provider uses them. ``change_token`` is empty where no change is offered."""

    project: str
    token: str = field(repr=False)
    change_token: str = field(repr=False)
    team: str
    secrets: Mapping[str, str]
    timeout: float
    patience: float
    rollout: float
    look_every: float
    url: str
    logs_url: str

    @property
    def target(self) -> str:
        """What is looked at and changed."""
        return f"Vercel {self.team}/{self.project}" if self.team else f"Vercel {self.project}"


def config_from(settings: Mapping[str, object]) -> Config:
    """Check the values. ``ValueError`` names the setting and what it must be, never a token."""
    values = {setting.name: settings.get(setting.name, setting.default) for setting in SETTINGS}
    token = str(values["token"] or "")
    return Config(
        project=str(values["project"]),
        token=token,
        change_token=str(values["change_token"] or "") or (token if values["changes"] else ""),
        team=str(values["team"] or ""),
        secrets=named_texts("vercel", values, "secrets"),
        timeout=above_zero("vercel", values, "timeout"),
        patience=above_zero("vercel", values, "patience"),
        rollout=above_zero("vercel", values, "rollout"),
        look_every=above_zero("vercel", values, "look_every"),
        url=_address(values, "url"),
        logs_url=_address(values, "logs_url"),
    )


def _address(values: Mapping[str, object], name: str) -> str:
    address = str(values[name] or "").rstrip("/")
    if not address.startswith(("https://", "http://127.0.0.1:", "http://[::1]:", "http://localhost:")):
        raise ValueError(f"vercel: {name} must begin with https://, since a token is sent there")
    return address
