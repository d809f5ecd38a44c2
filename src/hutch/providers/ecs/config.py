"""The settings of an ECS service, each with its unit and default, and their checked form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hutch.amazon.keys import Keys, keys_from
from hutch.model.setting import above_zero
from hutch.ports import Setting

SETTINGS = (
    Setting("region", "text", "AWS region, such as eu-central-1", required=True),
    Setting("cluster", "text", "name of the cluster", required=True, fills=("cluster",)),
    Setting("service", "text", "name of the ECS service", required=True, fills=("ecs-service",)),
    Setting("access_key_id", "secret", "AWS key for reading; without it the machine's own"),
    Setting("secret_access_key", "secret", "the secret of that key"),
    Setting("change_key_id", "secret", "AWS key for changes; with it they are offered"),
    Setting("change_secret_key", "secret", "the secret of that key"),
    Setting("changes", "bool", "offer changes with the reading key, or with the machine's own", default=False),
    Setting("max_replicas", "int", "the most tasks that `service.scale` runs", default=20),
    Setting("timeout", "float", "seconds that one call may take", default=10.0),
    Setting("rollout", "float", "seconds that a change waits for ECS to roll it out", default=900.0),
    Setting("look_every", "float", "seconds between two looks at a rollout", default=5.0),
    Setting("lately", "float", "seconds after its deployment in which a release that fails is left", default=1800.0),
    Setting("endpoint", "text", "another address of the services, for tests and VPC endpoints", default=""),
)


@dataclass(frozen=True, slots=True)
class Config:
    """The settings as the provider uses them. ``changing`` is None where no change is offered."""

    region: str
    cluster: str
    service: str
    reading: Keys
    changing: Keys | None
    max_replicas: int
    timeout: float
    rollout: float
    look_every: float
    lately: float
    endpoint: str

    @property
    def target(self) -> str:
        """What is looked at and changed."""
        return f"ECS {self.region} {self.cluster}/{self.service}"


def config_from(settings: Mapping[str, object]) -> Config:
    """Check the values. ``ValueError`` names the setting and what it must be, never a key."""
    values = {setting.name: settings.get(setting.name, setting.default) for setting in SETTINGS}
    reading, changing = keys_from("ecs", values)
    most = values["max_replicas"]
    if isinstance(most, bool) or not isinstance(most, int) or most < 1:
        raise ValueError(f"ecs: max_replicas must be a whole number above 0, not {most!r}")
    return Config(
        region=str(values["region"]),
        cluster=str(values["cluster"]),
        service=str(values["service"]),
        reading=reading,
        changing=changing,
        max_replicas=most,
        timeout=above_zero("ecs", values, "timeout"),
        rollout=above_zero("ecs", values, "rollout"),
        look_every=above_zero("ecs", values, "look_every"),
        lately=above_zero("ecs", values, "lately"),
        endpoint=str(values["endpoint"] or ""),
    )
