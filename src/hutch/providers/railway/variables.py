"""The service's variables that may be rotated, by the names of the settings."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hutch.providers.railway.calls import Operation, call
from hutch.providers.railway.config import Config
from hutch.remote import Refused
from hutch.rotation.variable import variable_of

LIST = Operation(
    "read the variables",
    "Variables",
    "query Variables($projectId: String!, $environmentId: String!, $serviceId: String)"
    " { variables(projectId: $projectId, environmentId: $environmentId, serviceId: $serviceId) }",
)
UPSERT = Operation(
    "change the variable",
    "VariableUpsert",
    "mutation VariableUpsert($input: VariableUpsertInput!) { variableUpsert(input: $input) }",
)


@dataclass(frozen=True, slots=True)
class Variables:
    """Implements :class:`hutch.rotation.stages.Safe`. Values are read by the token for changes alone."""

    config: Config

    def place(self, secret: str) -> str:
        """The variable."""
        return f"the variable {self.config.secrets.get(secret, secret)} of {self.config.target}"

    async def value(self, secret: str) -> str:
        """Its value. :class:`Refused` for one that Railway does not show: it is sealed, or not there."""
        name = variable_of(self.config.secrets, secret, "railway")
        trusted = replace(self.config, token=self.config.change_token)
        found = await call(trusted, LIST, self._where())
        if not isinstance(found, dict) or not isinstance(found.get(name), str):
            raise Refused(f"{self.place(secret)} is not there, or it is sealed and shown to nobody")
        return str(found[name])

    async def put(self, secret: str, value: str) -> str:
        """Another value, for the deployments from now on: this one begins none."""
        name = variable_of(self.config.secrets, secret, "railway")
        asked = {**self._where(), "name": name, "value": value, "skipDeploys": True}
        await call(self.config, UPSERT, {"input": asked})
        return "Railway has it"

    def _where(self) -> dict[str, object]:
        config = self.config
        return {"projectId": config.project, "environmentId": config.environment, "serviceId": config.service}
