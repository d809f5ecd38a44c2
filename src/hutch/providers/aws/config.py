"""The settings of a database, of secrets and of a bucket, each with its unit and default, and their checked form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from hutch.amazon.keys import Keys, keys_from
from hutch.model.setting import above_zero
from hutch.ports import Setting

SETTINGS = (
    Setting("region", "text", "AWS region, such as eu-central-1", required=True),
    Setting("database", "text", "identifier of the RDS instance; none: no database", default=""),
    Setting("classes", "list", "instance classes that `database.scale` may set, the smallest first", default=()),
    Setting("max_storage", "int", "the most GB that `database.scale` sets", default=1000),
    Setting("secrets", "map", "secrets that may be rotated: a name of yours, and its id or id#field", default=None),
    Setting("bucket", "text", "S3 bucket that backups go to, and that is looked at; none: no bucket", default=""),
    Setting("bucket_prefix", "text", "how the names of the objects begin that are looked at", default=""),
    Setting("bucket_max_age", "duration", "the newest object must not be older; `0s`: may",
            default=timedelta(hours=26)),
    Setting("access_key_id", "secret", "AWS key for reading; without it the machine's own"),
    Setting("secret_access_key", "secret", "the secret of that key"),
    Setting("change_key_id", "secret", "AWS key for changes; with it they are offered"),
    Setting("change_secret_key", "secret", "the secret of that key"),
    Setting("changes", "bool", "offer changes with the reading key, or with the machine's own", default=False),
    Setting("timeout", "float", "seconds that one call may take", default=10.0),
    Setting("available", "float", "seconds that a change waits for the database to be available", default=1800.0),
    Setting("look_every", "float", "seconds between two looks at it", default=10.0),
    Setting("endpoint", "text", "another address of the services, for tests and VPC endpoints", default=""),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Config:
    """The settings as the provider uses them. ``changing`` is None where no change is offered."""

    region: str
    database: str
    classes: tuple[str, ...]
    max_storage: int
    secrets: Mapping[str, str]
    bucket: str
    bucket_prefix: str
    bucket_max_age: timedelta
    reading: Keys
    changing: Keys | None
    timeout: float
    available: float
    look_every: float
    endpoint: str

    @property
    def target(self) -> str:
        """What is looked at and changed."""
        return f"AWS {self.region} {self.database or self.bucket or 'secrets'}"


def config_from(settings: Mapping[str, object]) -> Config:
    """Check the values. ``ValueError`` names the setting and what it must be, never a key."""
    values = {setting.name: settings.get(setting.name, setting.default) for setting in SETTINGS}
    reading, changing = keys_from("aws", values)
    most, classes, secrets = values["max_storage"], values["classes"] or (), values["secrets"] or {}
    if isinstance(most, bool) or not isinstance(most, int) or most < 1:
        raise ValueError(f"aws: max_storage must be a whole number above 0, not {most!r}")
    if not isinstance(classes, list | tuple) or not all(isinstance(c, str) and c.startswith("db.") for c in classes):
        raise ValueError(f"aws: classes must be a list of instance classes such as db.t3.large, not {classes!r}")
    if not isinstance(secrets, Mapping) or not all(isinstance(v, str) and v for v in secrets.values()):
        raise ValueError("aws: secrets must map names to the ids of secrets, as session-key: prod/web#session_key")
    age, bucket = values["bucket_max_age"], str(values["bucket"] or "")
    if not isinstance(age, timedelta) or age < timedelta(0):
        raise ValueError(f"aws: bucket_max_age must be a length of time such as 26h, not {age!r}")
    if bucket and not re.fullmatch(r"[a-z0-9][a-z0-9.-]+", bucket):
        raise ValueError(f"aws: bucket must be the name of a bucket, as shop-backups, not {bucket!r}")
    if not values["database"] and not secrets and not bucket:
        raise ValueError("aws: give a database, secrets, or a bucket")
    return Config(
        region=str(values["region"]),
        database=str(values["database"] or ""),
        classes=tuple(map(str, classes)),
        max_storage=most,
        secrets={str(name): str(id_) for name, id_ in secrets.items()},
        bucket=bucket,
        bucket_prefix=str(values["bucket_prefix"] or ""),
        bucket_max_age=age,
        reading=reading,
        changing=changing,
        timeout=above_zero("aws", values, "timeout"),
        available=above_zero("aws", values, "available"),
        look_every=above_zero("aws", values, "look_every"),
        endpoint=str(values["endpoint"] or ""),
    )
