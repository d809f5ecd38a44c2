"""The project's production variables that may be rotated, by the names of the settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from hutch.providers.vercel.calls import Ask, call
from hutch.providers.vercel.config import Config
from hutch.remote import Refused
from hutch.rotation.variable import variable_of

SENSITIVE = "sensitive"


@dataclass(frozen=True, slots=True)
class Variables:
    """Implements :class:`hutch.rotation.stages.Safe`. Values are read by the token for changes alone."""

    config: Config

    def place(self, secret: str) -> str:
        """The variable."""
        return f"the variable {self.config.secrets.get(secret, secret)} of {self.config.target}"

    async def value(self, secret: str) -> str:
        """Its value. :class:`Refused` for a sensitive one: Vercel tells that to nobody."""
        found = await self._row(secret)
        if found.get("type") == SENSITIVE:
            raise Refused(f"{self.place(secret)} is sensitive: Vercel tells its value to nobody, so it has no stages")
        ask = Ask("read the variable", self._path("v1", str(found.get("id"))), {}, trusted=True)
        return str((await call(self.config, ask)).get("value") or "")

    async def put(self, secret: str, value: str) -> str:
        """Another value, for the deployments from now on."""
        found = await self._row(secret)
        ask = Ask("change the variable", self._path("v9", str(found.get("id"))), {}, {"value": value}, method="PATCH")
        await call(self.config, ask)
        return "Vercel has it"

    async def _row(self, secret: str) -> Mapping[str, Any]:
        name = variable_of(self.config.secrets, secret, "vercel")
        found = await call(self.config, Ask("list the variables", self._path("v10", ""), {}, trusted=True))
        rows = found.get("envs")
        for row in rows if isinstance(rows, list) else []:
            if isinstance(row, dict) and row.get("key") == name and "production" in (row.get("target") or ()):
                return row
        raise Refused(f"{self.place(secret)} is not there for production")

    def _path(self, version: str, id_: str) -> str:
        last = f"/{quote(id_, safe='')}" if id_ else ""
        return f"/{version}/projects/{quote(self.config.project, safe='')}/env{last}"
