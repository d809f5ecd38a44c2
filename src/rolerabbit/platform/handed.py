"""Secrets that replicas are handed from Secrets Manager when they start, as ECS hands what a task definition names.

The client is loaded only where there are any: it takes a third of a second."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module

from rolerabbit.platform.errors import DeployFailed

SECONDS = 5


@dataclass(frozen=True, slots=True)
class Handed:
    """Variables with the id of their secret, `ID`, or `ID#FIELD` of one that is a JSON object. `endpoint`: not Amazon's
    own."""

    variables: Mapping[str, str] = field(default_factory=dict)
    endpoint: str = ""

    async def values(self) -> dict[str, str]:
        """The values of now. DeployFailed where one can't be had: then nothing is started."""
        return await asyncio.to_thread(self._values) if self.variables else {}

    def _values(self) -> dict[str, str]:
        boto3, botocore = import_module("boto3"), import_module("botocore.exceptions")
        try:
            limits = import_module("botocore.config").Config(connect_timeout=SECONDS, read_timeout=SECONDS)
            manager = boto3.client("secretsmanager", endpoint_url=self.endpoint or None, config=limits)
            return {name: _value(manager, id_) for name, id_ in self.variables.items()}
        except (botocore.BotoCoreError, botocore.ClientError, ValueError, KeyError, TypeError) as error:
            raise DeployFailed(
                f"the secrets can't be pulled: {type(error).__name__}",
                "the old replicas go on serving; see Secrets Manager",
            ) from None


NOTHING = Handed()


def _value(manager: object, id_: str) -> str:
    """One value, by the version that is current."""
    name, _, part = id_.partition("#")
    versions = manager.describe_secret(SecretId=name)["VersionIdsToStages"]  # type: ignore[attr-defined]
    current = next(version for version, stages in versions.items() if "AWSCURRENT" in stages)
    text = str(manager.get_secret_value(SecretId=name, VersionId=current)["SecretString"])  # type: ignore[attr-defined]
    return str(json.loads(text)[part]) if part else text
