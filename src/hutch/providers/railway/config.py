"""The settings of a Railway service, each with its unit and default, and their checked form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hutch.model.setting import above_zero, named_texts
from hutch.ports import Setting

MOST_REPLICAS = 50
"""Over all regions, as docs.railway.com/cli/scale says."""
SETTINGS = (
    Setting("project", "text", "id of the project", required=True),
    Setting("environment", "text", "id of the environment", required=True),
    Setting("service", "text", "id of the service", required=True),
    Setting("token", "secret", "token for reading", required=True),
    Setting("change_token", "secret", "token for changes; with it they are offered"),
    Setting("changes", "bool", "offer changes with the reading token", default=False),
    Setting("project_tokens", "bool", "the tokens belong to the project, not to an account or workspace", default=True),
    Setting("secrets", "map", "secrets that may be rotated: a name of yours, and its variable", default=None),
    Setting("timeout", "float", "seconds that one call may take", default=10.0),
    Setting("patience", "float", "seconds that a call waits at most when Railway asks to call later", default=30.0),
    Setting("rollout", "float", "seconds that a change waits for Railway to carry it out", default=900.0),
    Setting("look_every", "float", "seconds between two looks at a change under way", default=5.0),
    Setting(
        "max_replicas", "int", "the most that `service.scale` sets in one region; Railway takes up to 50", default=20
    ),
    Setting("lately", "float", "seconds after its deployment in which a crashed release is left", default=1800.0),
    Setting("url", "text", "address of the API", default="https://backboard.railway.com/graphql/v2"),
)


@dataclass(frozen=True, slots=True)
class Config:
    """The settings as the provider uses them. ``change_token`` is empty where no change is offered."""

    project: str
    environment: str
    service: str
    token: str = field(repr=False)
    change_token: str = field(repr=False)
    project_tokens: bool
    secrets: Mapping[str, str]
    timeout: float
    patience: float
    rollout: float
    look_every: float
    max_replicas: int
    lately: float
    url: str

    @property
    def target(self) -> str:
        """What is looked at and changed."""
        return f"Railway {self.service}"


def config_from(settings: Mapping[str, object]) -> Config:
    """Check the values. ``ValueError`` names the setting and what it must be, never a token."""
    values = {setting.name: settings.get(setting.name, setting.default) for setting in SETTINGS}
    token, url = str(values["token"] or ""), str(values["url"] or "")
    if not url.startswith(("https://", "http://127.0.0.1:", "http://[::1]:", "http://localhost:")):
        raise ValueError("railway: url must begin with https://, since a token is sent there")
    most = values["max_replicas"]
    if isinstance(most, bool) or not isinstance(most, int) or not 1 <= most <= MOST_REPLICAS:
        raise ValueError(f"railway: max_replicas must be a whole number from 1 to {MOST_REPLICAS}, not {most!r}")
    return Config(
        project=str(values["project"]),
        environment=str(values["environment"]),
        service=str(values["service"]),
        token=token,
        change_token=str(values["change_token"] or "") or (token if values["changes"] else ""),
        project_tokens=bool(values["project_tokens"]),
        secrets=named_texts("railway", values, "secrets"),
        timeout=above_zero("railway", values, "timeout"),
        patience=above_zero("railway", values, "patience"),
        rollout=above_zero("railway", values, "rollout"),
        look_every=above_zero("railway", values, "look_every"),
        max_replicas=most,
        lately=above_zero("railway", values, "lately"),
        url=url,
    )
